"""Split a string into words with offsets, and fold words. Rules and search use this definition of a word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

#: Character -> straight apostrophe or quotation mark. Each replaces one character by one, so that offsets stay valid.
_STRAIGHT = (*((mark, "'") for mark in "‘’‚‛′ʼʻ´"), *((mark, '"') for mark in "“”„‟″〝〞«»"))

#: Default-ignorable characters: soft hyphen, joiners, bidi marks, BOM, variation selectors, tags. The zero-width
#: space is not among them, because it separates words (UAX #14).
_INVISIBLE_CLASS = (
    "\u00ad\u034f\u061c\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_CLASS}]+")
_TRAILING_INVISIBLE = re.compile(rf"(?<![{_INVISIBLE_CLASS}])[{_INVISIBLE_CLASS}]++\Z")

#: Letters, but not digits, of scripts without spaces between words: Han, Kana, Thai, Lao, Khmer, Burmese.
_UNSPACED_CLASS = (
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U000323af"
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46"
    "\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"
    "\u1780-\u17b3\u17d7\u17dc"
    "\u1000-\u102a\u103f\u1050-\u1055\u105a-\u105d\u1061\u1065\u1066\u106e-\u1070\u1075-\u1081\u108e"
    "\ua9e0-\ua9e4\ua9e7-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa76\uaa7a\uaa7e\uaa7f"
)


def _mark_class() -> str:
    """Return the ranges of the combining marks that this Python knows, as a regular expression class.

    Skip the ranges without combining marks (Han, Hangul, Tangut, symbols), and the planes above 1, whose only marks are
    variation selectors, because every command waits for this function.
    """
    ranges: list[list[int]] = []
    bmp = range(0x300, 0x3100), range(0xA66F, 0xAC00), range(0xFB1E, 0x10000)
    above = range(0x10000, 0x12000), range(0x13440, 0x13460), range(0x16000, 0x17000), range(0x1BC00, 0x1F000)
    for code in chain(*bmp, *above):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_MARK = _mark_class()
_LETTER = rf"[^\W_{_UNSPACED_CLASS}]"
#: A letter of an unspaced script with its marks is a separate word, so that a term in such a script is a phrase
#: of adjacent letters and matches inside a run. Digits joined by a comma or a full stop are one number.
_WORD = re.compile(
    rf"{_LETTER}+(?:[{_MARK}]+{_LETTER}*|(?<=\d)[.,](?=\d){_LETTER}+)*"
    rf"|[{_UNSPACED_CLASS}][{_MARK}]*"
)
_UNSPACED = re.compile(f"[{_UNSPACED_CLASS}]")
_POSSESSIVE = re.compile(rf"([.\")]?)'[sS](?!{_LETTER}|[{_MARK}])")
_BEGINS_POSSESSIVE = frozenset("'.\")")
_PLURAL_POSSESSIVE = re.compile(rf"'(?!{_LETTER}|[{_MARK}])")
#: The patterns for ASCII text, which has no combining marks and no unspaced scripts. They are twice as fast.
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:(?<=\d)[.,](?=\d)[A-Za-z0-9]+)*")
_ASCII_POSSESSIVE = re.compile(r"([.\")]?)'[sS](?![A-Za-z0-9])")
_ASCII_PLURAL_POSSESSIVE = re.compile(r"'(?![A-Za-z0-9])")
#: A zero-width space inside a run of an unspaced script. It is removed, because it is invisible there.
_SPACE_IN_RUN = re.compile(rf"(?<=[{_UNSPACED_CLASS}{_MARK}])\u200b+(?=[{_UNSPACED_CLASS}])")
#: A piece that NFKC treats separately: a character and the characters that may compose with it (combining marks, Hangul
#: vowels and finals, half-width voicing marks).
_CLUSTER = re.compile(rf"(?s:.)[{_MARK}{_INVISIBLE_CLASS}\u1160-\u11ff\uff9e\uff9f]*")
#: Latin and Greek letters with accents, which folding removes. In other scripts, a mark makes another letter (й, が).
_ACCENTED = re.compile(
    rf"([A-Za-zªº\u00c0-\u02af\u0370-\u03ff\u1d00-\u1d7f\u1e00-\u1fff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab64])[{_MARK}]+"
)


#: Dashes (Pd, as of Unicode 16) and the minus sign.
_DASH_CLASS = (
    "\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead"
)
_SPACING = re.compile(rf"[\s\u200b{_DASH_CLASS}]+")
#: The ends of a phrase: a line end and a blank line, or a paragraph separator. A line without visible characters is
#: blank. The pattern begins with a character class, because this is ten times as fast as an alternation.
BLANK_LINE = re.compile(
    r"[\r\n\x85\u2028\u2029](?:(?<=\u2029)|(?:(?<=\r)\n)?+"
    rf"(?:[^\S\r\n\x85\u2028\u2029]|[\u200b{_INVISIBLE_CLASS}])*[\r\n\x85\u2028\u2029])"
)
#: One letter or digit with its marks, as a regular expression.
LETTER_PATTERN = rf"[^\W_][{_MARK}]*"


class Word(NamedTuple):
    """One word, normalised (NFKC), and its offsets in the original."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Normal:
    """A normalised string, with the offsets of its characters in the original."""

    text: str
    #: Start of each character's source in the original; None if the offsets in both strings are equal.
    starts: tuple[int, ...] | None = None
    #: End of each character's source in the original; None if ``starts`` is None.
    ends: tuple[int, ...] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Convert the offsets of a non-empty range of the text to offsets in the original."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


class Token(NamedTuple):
    """One word in a normalised text."""

    text: str
    start: int
    end: int
    #: The possessive ending: ``'s``, or ``'`` after a plural, or empty. It is not a separate word.
    possessive: str
    #: Start of the gap to the next word, after the possessive.
    gap: int
    #: The punctuation between the word and its possessive (U.S.'s), which belongs to the gap.
    mark: str = ""


def normalise(string: str) -> str:
    """Normalise to NFKC, straighten quotes and drop invisible characters."""
    if string.isascii():
        return string
    visible = _straighten(_INVISIBLE.sub("", string))
    normal = _straighten(unicodedata.normalize("NFKC", visible))
    return _SPACE_IN_RUN.sub("", normal) if "\u200b" in normal else normal


def _straighten(string: str) -> str:
    # Use replace, which is thirty times as fast as str.translate on a text that is not ASCII.
    for written, meant in _STRAIGHT:
        string = string.replace(written, meant)
    return string


def normalise_with_offsets(string: str) -> Normal:
    """Normalise a string, and keep the offsets in the original."""
    normal = normalise(string)
    if normal in (string, _straighten(string)):
        return Normal(normal)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(string):
        piece = normalise(cluster[0])
        pieces.append(piece)
        starts += [cluster.start()] * len(piece)
        ends += [cluster.start() + len(_TRAILING_INVISIBLE.sub("", cluster[0]))] * len(piece)
    joined = "".join(pieces)
    kept, at = list[slice](), 0
    for space in _SPACE_IN_RUN.finditer(joined):
        kept.append(slice(at, space.start()))
        at = space.end()
    if kept:
        kept.append(slice(at, len(joined)))
        joined = "".join(joined[piece] for piece in kept)
        starts, ends = ([place for piece in kept for place in places[piece]] for places in (starts, ends))
    return Normal(joined, tuple(starts), tuple(ends))


def gap_form(gap: str) -> str:
    """Normalise the characters between two words of a normalised text.

    Any number of white space, line ends and dashes becomes one space. A blank line becomes ``\\n``. Punctuation stays.
    """
    if gap in ("", " "):
        return gap
    return _SPACING.sub(lambda match: "\n" if BLANK_LINE.search(match[0]) else " ", gap)


def is_unspaced(character: str) -> bool:
    """Return whether a character is a letter of a script without spaces between words."""
    return _UNSPACED.match(character) is not None


def tokens(normal: str) -> Iterator[Token]:
    """Yield the words of a normalised text in order, without their possessives."""
    position, new = 0, tuple.__new__  # takes half the time of Token(…)
    is_ascii = normal.isascii()
    word, of_one, of_many = (
        (_ASCII_WORD, _ASCII_POSSESSIVE, _ASCII_PLURAL_POSSESSIVE)
        if is_ascii
        else (_WORD, _POSSESSIVE, _PLURAL_POSSESSIVE)
    )
    for match in word.finditer(normal):
        start, end = match.span()
        if start < position:
            # Skip the "s" of a possessive.
            continue
        possessive, position, mark = "", end, ""
        if normal[end : end + 1] in _BEGINS_POSSESSIVE and (is_ascii or not _UNSPACED.match(normal, start)):
            if suffix := of_one.match(normal, end):
                possessive, position, mark = "'s", suffix.end(), suffix[1]
            elif normal[end - 1] in "sS" and (suffix := of_many.match(normal, end)):
                possessive, position = "'", suffix.end()
        yield new(Token, (match[0], start, end, possessive, position, mark))


def words(string: str) -> tuple[Word, ...]:
    """Return the words of a string, normalised but not folded, with their offsets in the original string.

    A letter of a script without spaces is a separate word. ``5,000`` is one word; a possessive is not a word.

    >>> [word.text for word in words("Pakistan’s back-door order hit 5,000 firms")]
    ['Pakistan', 'back', 'door', 'order', 'hit', '5,000', 'firms']
    """
    normal = normalise_with_offsets(string)
    return tuple(Word(token.text, *normal.place(token.start, token.end)) for token in tokens(normal.text))


def fold_case(word: str) -> str:
    """Fold the case of a normalised word (full Unicode case folding); keep accents."""
    return word.lower() if word.isascii() else unicodedata.normalize("NFKC", word.casefold())


def drop_accents(folded: str) -> str:
    """Remove the combining marks on Latin and Greek letters.

    >>> drop_accents("résumé й が")
    'resume й が'
    """
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFC", _ACCENTED.sub(r"\1", unicodedata.normalize("NFD", folded)))


def fold(string: str) -> str:
    """Normalise a string, fold its case and remove accents.

    >>> fold("Île–de–Fran\u00adce")
    'ile–de–france'
    """
    return drop_accents(fold_case(normalise(string)))
