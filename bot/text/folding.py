"""Fold titles and texts, so that wording is compared without case, punctuation and invisible characters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from bot.patterns import LazyPattern

_LETTERS = LazyPattern(r"[^\W_]+")
#: Table for ``bytes.translate``: folds ASCII to lower case, and turns all but letters and digits into spaces. Most text
#: is ASCII, and the table is much faster than the regular expression.
_ASCII_FOLDED = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)) + bytes(128)
#: Invisible characters (soft hyphen, zero-width ones, bidi marks, BOM) that publishers' systems add and drop.
_INVISIBLE = LazyPattern("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


@lru_cache(maxsize=1 << 12)
def fold_title(title: str) -> str:
    """Return ``fold_text`` of a title. Cached, because a batch folds each new title several times."""
    return fold_text(title)


def fold_text(text: str) -> str:
    """Return the words of ``text``, folded (NFKC, lower case, no punctuation), or the text if it has no words.

    >>> fold_text("  BlackBerry “quits” Pakistan… ")
    'blackberry quits pakistan'
    """
    if text.isascii():
        words = text.encode().translate(_ASCII_FOLDED).decode().split()
        return " ".join(words) or text.strip()
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return " ".join(_LETTERS.findall(folded)) or folded.strip()
