"""Fold and hash titles and texts, to find equal ones."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
#: ASCII in lower case, with a space for anything but letters and digits: much faster than the expression, and most text
#: is ASCII.
_ASCII_FOLDED = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)) + bytes(128)
#: Invisible characters (soft hyphen, zero-width ones, bidi marks, BOM) that publishers' systems add and drop.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


@functools.lru_cache(maxsize=1 << 12)
def fold_title(title: str) -> str:
    """Return ``fold_text`` of a title, cached: a batch folds each new title several times."""
    return fold_text(title)


def fold_text(text: str) -> str:
    """Return the words of ``text`` without case, punctuation and compatibility forms, or the text if it has no words.

    >>> fold_text("  BlackBerry “quits” Pakistan… ")
    'blackberry quits pakistan'
    """
    if text.isascii():
        words = text.encode().translate(_ASCII_FOLDED).decode().split()
        return " ".join(words) or text.strip()
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return " ".join(_WORD.findall(folded)) or folded.strip()


def fingerprint_of(title: str, text: str) -> str:
    """Return SHA-256 of folded title and text: changes of case, punctuation, quotes and white space do not count."""
    return fingerprint_of_folded(fold_title(title), fold_text(text))


def fingerprint_of_folded(title: str, text: str) -> str:
    """Return ``fingerprint_of`` a title and a text that are already folded."""
    return hashlib.sha256(f"{title}\n{text}".encode("utf-8", "replace")).hexdigest()
