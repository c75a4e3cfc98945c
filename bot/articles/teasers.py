"""Recognise texts that are only the beginning of an article."""

from __future__ import annotations

import re

#: Publishers end a text so if the rest is on their site; in the languages of the feeds that we have seen.
_GOES_ON = re.compile(
    r"(?:…|\.\.\.|\[(?:…|\.{3}|&hellip;)\]"
    r"|\b(?:continue reading|read (?:more|on|the full (?:story|article))|full story|keep reading|weiterlesen|mehr lesen"
    r"|lire la suite|lire plus|leer más|seguir leyendo|continua a leggere|leggi tutto|lees verder|läs mer|les mer"
    r"|læs mere|czytaj dalej|leia mais|читать далее|читати далі|devamı)\b)"
    r"[\s\])}>»→›.…:]{0,40}\Z",
    re.IGNORECASE,
)
#: Only the end counts; a post with “read more” in its middle is whole.
_TAIL = 80


def is_cut(text: str) -> bool:
    """Return whether a clean text ends like a teaser that was cut off.

    >>> is_cut("Operators were told on Wednesday that the […]"), is_cut("Operators were told."), is_cut("")
    (True, False, False)
    """
    return _GOES_ON.search(text[-_TAIL:]) is not None
