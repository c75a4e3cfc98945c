"""Does a feed give an article's text, or only the beginning of it?"""

from __future__ import annotations

import re

#: How publishers end a text that goes on elsewhere; in the languages whose feeds were at hand.
_GOES_ON = re.compile(
    r"(?:…|\.\.\.|\[(?:…|\.{3}|&hellip;)\]"
    r"|\b(?:continue reading|read (?:more|on|the full (?:story|article))|full story|keep reading|weiterlesen|mehr lesen"
    r"|lire la suite|lire plus|leer más|seguir leyendo|continua a leggere|leggi tutto|lees verder|läs mer|les mer"
    r"|læs mere|czytaj dalej|leia mais|читать далее|читати далі|devamı)\b)"
    r"[\s\])}>»→›.…:]{0,40}\Z",
    re.IGNORECASE,
)
#: The end is looked at; a post that says “read more” in its middle is whole.
_TAIL = 80


def is_cut(text: str) -> bool:
    """Whether a clean text ends as a teaser does that was cut off.

    >>> is_cut("Operators were told on Wednesday that the […]"), is_cut("Operators were told."), is_cut("")
    (True, False, False)
    """
    return _GOES_ON.search(text[-_TAIL:]) is not None
