"""Text → chunks between white space: what marks do to words, and what a chunk says as numbers.

Knows no term.
"""

from __future__ import annotations

import re

from bot.language import tokens

#: Chunks remembered, and as many of before: some 10 MB, and nearly all of a day's news by count.
MEMO_CHUNKS = 1 << 15
#: Longer chunks (addresses, Chinese clauses) hardly come back.
MEMO_CHARACTERS = 40
#: Stands for the end of a phrase among chunks.
BREAK = "\x00"

#: What typographers write, in the characters that ``text.normalise`` and ``text.gap_form`` take it for.
_TYPOGRAPHIC = (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", " "), ("—", " "), ("…", " … "))
#: Marks that belong to no word, set apart so that a word has few chunks: “door”, not “(door”, “door,”. Rare marks are
#: not worth the time; a comma or a full stop may be inside a number or an abbreviation.
_APART = (("(", " ( "), (", ", " , "), (". ", " . "))
#: So are these, except for a possessive behind them (U.S.'s, "Acme"'s).
_BEFORE_POSSESSIVE = (('"', ' " '), (")", " ) "))
#: ``text.BLANK_LINE`` in ASCII without carriage returns, several times faster.
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def split(string: str) -> list[str]:
    """The chunks of a text; BREAK and lone marks are some of them."""
    if "\n" in string or "\r" in string or not string.isascii():
        is_plain = string.isascii() and "\r" not in string
        string = (_BLANK_LINE if is_plain else tokens.BLANK_LINE).sub(f" {BREAK} ", string)
        if not is_plain:
            for written, meant in _TYPOGRAPHIC:
                string = string.replace(written, meant)
    if string.isascii():
        # In other text something invisible may be between the mark and the possessive.
        for mark, apart in _BEFORE_POSSESSIVE:
            if mark in string and f"{mark}'" not in string:
                string = string.replace(mark, apart)
    for mark, apart in _APART:
        string = string.replace(mark, apart)
    return string.replace("-", " ").split()


#: What a chunk says: the number of the phrase word that it is (0: no phrase word; else the number of what is not one
#: word), then the numbers of the terms that its words are, where they are others.
Said = tuple[int, ...]
NOTHING: Said = (0,)
#: What a mark says, or what is between the words of a chunk: a phrase must end here.
BREAK_WORD: Said = (0, 0)
