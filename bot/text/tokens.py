"""Split a string into words with offsets, and fold words. Rules and search use this definition of a word."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from bot.patterns import LazyPattern

#: Character -> straight apostrophe or quotation mark. Each replaces one character by one, so that offsets stay valid.
_STRAIGHT = (*((mark, "'") for mark in "‘’‚‛′ʼʻ´"), *((mark, '"') for mark in "“”„‟″〝〞«»"))

#: Default-ignorable characters: soft hyphen, joiners, bidi marks, BOM, variation selectors, tags. The zero-width
#: space is not among them, because it separates words (UAX #14).
_INVISIBLE_CLASS = (
    "\u00ad\u034f\u061c\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
)
_INVISIBLE = LazyPattern(f"[{_INVISIBLE_CLASS}]+")
_TRAILING_INVISIBLE = LazyPattern(rf"(?<![{_INVISIBLE_CLASS}])[{_INVISIBLE_CLASS}]++\Z")

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


#: The combining marks of Unicode 17, as code points and ranges. A newer mark counts as a character between words.
_MARKS = (
    "300-36F 483-489 591-5BD 5BF 5C1-5C2 5C4-5C5 5C7-5C9 610-61A 64B-65F 670 6D6-6DC 6DF-6E4 6E7-6E8 6EA-6ED 711 "
    "730-74A 7A6-7B0 7EB-7F3 7FD 816-819 81B-823 825-827 829-82D 859-85B 897-89F 8CA-8E1 8E3-903 93A-93C 93E-94F "
    "951-957 962-963 981-983 9BC 9BE-9C4 9C7-9C8 9CB-9CD 9D7 9E2-9E3 9FE A01-A03 A3C A3E-A42 A47-A48 A4B-A4D A51 "
    "A70-A71 A75 A81-A83 ABC ABE-AC5 AC7-AC9 ACB-ACD AE2-AE3 AFA-AFF B01-B03 B3C B3E-B44 B47-B48 B4B-B4D B53-B57 "
    "B62-B63 B82 BBE-BC2 BC6-BC8 BCA-BCD BD7 C00-C04 C3C C3E-C44 C46-C48 C4A-C4D C55-C56 C62-C63 C81-C83 CBC CBE-CC4 "
    "CC6-CC8 CCA-CCD CD5-CD6 CE2-CE3 CF3 D00-D03 D3B-D3C D3E-D44 D46-D48 D4A-D4D D57 D62-D63 D81-D83 DCA DCF-DD4 DD6 "
    "DD8-DDF DF2-DF3 E31 E34-E3A E47-E4E EB1 EB4-EBC EC8-ECE F18-F19 F35 F37 F39 F3E-F3F F71-F84 F86-F87 F8D-F97 "
    "F99-FBC FC6 102B-103E 1056-1059 105E-1060 1062-1064 1067-106D 1071-1074 1082-108D 108F 109A-109D 135D-135F "
    "1712-1715 1732-1734 1752-1753 1772-1773 17B4-17D3 17DD 180B-180D 180F 1885-1886 18A9 1920-192B 1930-193B "
    "1A17-1A1B 1A55-1A5E 1A60-1A7C 1A7F 1AB0-1AF0 1B00-1B04 1B34-1B44 1B6B-1B73 1B80-1B82 1BA1-1BAD 1BE6-1BF3 "
    "1C24-1C37 1CD0-1CD2 1CD4-1CE8 1CED 1CF4 1CF7-1CF9 1DC0-1DFF 20D0-20F0 2CEF-2CF1 2D7F 2DE0-2DFF 302A-302F "
    "3099-309A A66F-A672 A674-A67D A69E-A69F A6F0-A6F1 A802 A806 A80B A823-A827 A82C A880-A881 A8B4-A8C5 A8E0-A8F1 "
    "A8FF A926-A92D A947-A953 A980-A983 A9B3-A9C0 A9E5 AA29-AA36 AA43 AA4C-AA4D AA7B-AA7D AAB0 AAB2-AAB4 AAB7-AAB8 "
    "AABE-AABF AAC1 AAEB-AAEF AAF5-AAF6 ABE3-ABEA ABEC-ABED FB1E FE00-FE0F FE20-FE2F 101FD 102E0 10376-1037A "
    "10A01-10A03 10A05-10A06 10A0C-10A0F 10A38-10A3A 10A3F 10AE5-10AE6 10D24-10D27 10D69-10D6D 10EAB-10EAC "
    "10ECB-10ECF 10EF0-10EFF 10F46-10F50 10F82-10F85 11000-11002 11038-11046 11070 11073-11074 1107F-11082 "
    "110B0-110BA 110C2 11100-11102 11127-11134 11145-11146 11173 11180-11182 111B3-111C0 111C9-111CC 111CE-111CF "
    "1122C-11237 1123E 11241 112DF-112EA 11300-11303 1133B-1133C 1133E-11344 11347-11348 1134B-1134D 11357 "
    "11362-11363 11366-1136C 11370-11374 113B8-113C0 113C2 113C5 113C7-113CA 113CC-113D0 113D2 113E1-113E2 "
    "11435-11446 1145E 114B0-114C3 115AF-115B5 115B8-115C0 115DC-115DD 11630-11640 116AB-116B7 1171D-1172B "
    "1182C-1183A 11930-11935 11937-11938 1193B-1193E 11940 11942-11943 119D1-119D7 119DA-119E0 119E4 11A01-11A0A "
    "11A33-11A39 11A3B-11A3E 11A47 11A51-11A5B 11A8A-11A99 11B60-11B67 11C2F-11C36 11C38-11C3F 11C92-11CA7 "
    "11CA9-11CB6 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D8A-11D8E 11D90-11D91 11D93-11D97 11DF0 "
    "11EF3-11EF6 11F00-11F01 11F03 11F34-11F3A 11F3E-11F42 11F5A 13440 13447-13455 1611E-1612F 16AF0-16AF4 "
    "16B30-16B36 16F4F 16F51-16F87 16F8F-16F92 16FE4 16FF0-16FF1 1BC9D-1BC9E 1CF00-1CF2D 1CF30-1CF46 1D127-1D128 "
    "1D165-1D169 1D16D-1D172 1D17B-1D182 1D185-1D18B 1D1AA-1D1AD 1D242-1D244 1D250-1D252 1D25B-1D25C 1D25F "
    "1D280-1D281 1DA00-1DA36 1DA3B-1DA6C 1DA75 1DA84 1DA9B-1DA9F 1DAA1-1DAAF 1E000-1E006 1E008-1E018 1E01B-1E021 "
    "1E023-1E024 1E026-1E02A 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF 1E6E3 1E6E6 1E6EE-1E6EF "
    "1E6F5 1E8D0-1E8D6 1E944-1E94A E0100-E01EF"
)
_MARK = "".join("-".join(chr(int(end, 16)) for end in marks.split("-")) for marks in _MARKS.split())
_LETTER = rf"[^\W_{_UNSPACED_CLASS}]"
#: A letter of an unspaced script with its marks is a separate word, so that a term in such a script is a phrase
#: of adjacent letters and matches inside a run. Digits joined by a comma or a full stop are one number.
_WORD = LazyPattern(
    rf"{_LETTER}+(?:[{_MARK}]+{_LETTER}*|(?<=\d)[.,](?=\d){_LETTER}+)*"
    rf"|[{_UNSPACED_CLASS}][{_MARK}]*"
)
_UNSPACED = LazyPattern(f"[{_UNSPACED_CLASS}]")
_POSSESSIVE = LazyPattern(rf"([.\")]?)'[sS](?!{_LETTER}|[{_MARK}])")
_BEGINS_POSSESSIVE = frozenset("'.\")")
_PLURAL_POSSESSIVE = LazyPattern(rf"'(?!{_LETTER}|[{_MARK}])")
#: The patterns for ASCII text, which has no combining marks and no unspaced scripts. They are twice as fast.
_ASCII_WORD = LazyPattern(r"[A-Za-z0-9]+(?:(?<=\d)[.,](?=\d)[A-Za-z0-9]+)*")
_ASCII_POSSESSIVE = LazyPattern(r"([.\")]?)'[sS](?![A-Za-z0-9])")
_ASCII_PLURAL_POSSESSIVE = LazyPattern(r"'(?![A-Za-z0-9])")
#: A zero-width space inside a run of an unspaced script. It is removed, because it is invisible there.
_SPACE_IN_RUN = LazyPattern(rf"(?<=[{_UNSPACED_CLASS}{_MARK}])\u200b+(?=[{_UNSPACED_CLASS}])")
#: A piece that NFKC treats separately: a character and the characters that may compose with it (combining marks, Hangul
#: vowels and finals, half-width voicing marks).
_CLUSTER = LazyPattern(rf"(?s:.)[{_MARK}{_INVISIBLE_CLASS}\u1160-\u11ff\uff9e\uff9f]*")
#: Latin and Greek letters with accents, which folding removes. In other scripts, a mark makes another letter (й, が).
_ACCENTED = LazyPattern(
    rf"([A-Za-zªº\u00c0-\u02af\u0370-\u03ff\u1d00-\u1d7f\u1e00-\u1fff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab64])[{_MARK}]+"
)


#: Dashes (Pd, as of Unicode 16) and the minus sign.
_DASH_CLASS = (
    "\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead"
)
_SPACING = LazyPattern(rf"[\s\u200b{_DASH_CLASS}]+")
#: The ends of a phrase: a line end and a blank line, or a paragraph separator. A line without visible characters is
#: blank. The pattern begins with a character class, because this is ten times as fast as an alternation.
BLANK_LINE = LazyPattern(
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


class Normal(msgspec.Struct, frozen=True):
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
