"""Split a text into chunks between white space, for the numbers of a vocabulary."""

from __future__ import annotations

import re

from bot.language import tokens

#: Number of cached chunks: at most twice as many, some 10 MB, which cover nearly all of a day's news.
MEMO_CHUNKS = 1 << 15
#: Longer chunks (addresses, Chinese clauses) are rarely repeated.
MEMO_CHARACTERS = 40
#: The chunk at which a phrase must end.
BREAK = "\x00"

#: Typographic marks, and the characters that ``tokens.normalise`` and ``tokens.gap_form`` make of them.
_TYPOGRAPHIC = (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", " "), ("—", " "), ("…", " … "))
#: Marks outside words, split off so that a word has few different chunks: “door”, not “(door”, “door,”. Rare marks are
#: not worth the time; a comma or a full stop may be inside a number or an abbreviation.
_APART = (("(", " ( "), (", ", " , "), (". ", " . "))
#: Marks that are split off too, unless a possessive follows (U.S.'s, "Acme"'s).
_BEFORE_POSSESSIVE = (('"', ' " '), (")", " ) "))
#: ``text.BLANK_LINE`` in ASCII without carriage returns, several times faster.
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def split(string: str) -> list[str]:
    """Split a text into chunks; BREAK and single marks can be among them."""
    if "\n" in string or "\r" in string or not string.isascii():
        is_plain = string.isascii() and "\r" not in string
        string = (_BLANK_LINE if is_plain else tokens.BLANK_LINE).sub(f" {BREAK} ", string)
        if not is_plain:
            for written, meant in _TYPOGRAPHIC:
                string = string.replace(written, meant)
    if string.isascii():
        # In other text an invisible character may be between the mark and the possessive.
        for mark, apart in _BEFORE_POSSESSIVE:
            if mark in string and f"{mark}'" not in string:
                string = string.replace(mark, apart)
    for mark, apart in _APART:
        string = string.replace(mark, apart)
    return string.replace("-", " ").split()


#: The numbers of a chunk: first the number of its phrase word (0: none; a reserved number if the chunk is not one
#: word), then the other numbers of the terms that its words fit.
Said = tuple[int, ...]
NOTHING: Said = (0,)
#: The numbers of a mark, and of the space between the words of a chunk: a phrase must end here.
BREAK_WORD: Said = (0, 0)
