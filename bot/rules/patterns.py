"""One term as a pattern over words: what each word must be, and what must be between the words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from bot.language import tokens
from bot.rules.errors import QueryError

#: Maximum length of a term; longer ones are pasted text.
MAX_TERM_CHARACTERS = 1_000
#: Minimum letters before a ``*``; one is enough where a letter is a syllable or a word.
MIN_PREFIX = 3

_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")


_SIMPLE_WORD = rf"(?:[A-Za-z0-9]+|[A-Za-z0-9]{{{MIN_PREFIX},}}\*)"


class Form(Enum):
    """The form of a word that is compared."""

    #: Case and accents folded.
    PLAIN = "plain"
    #: Case folded: the term has accents.
    ACCENTED = "accented"
    #: As written.
    EXACT = "exact"


class Shape(Enum):
    """The wildcards of a word."""

    WORD = "word"
    #: Ends in ``*``.
    PREFIX = "prefix"
    #: Has a ``?`` (and may end in ``*``).
    HOLES = "holes"


# In Python 3.11 an enum's member is a slow look-up, and these are used at every term.
_PLAIN, _EXACT, _WORD, _PREFIX = Form.PLAIN, Form.EXACT, Shape.WORD, Shape.PREFIX


class Element(NamedTuple):
    """One word of a term."""

    #: The word in its form; a ``HOLES`` element keeps its wildcards.
    text: str
    form: Form
    shape: Shape
    #: What must be between the previous word and this one, in ``tokens.gap_form``; in the first element, the marks that
    #: must be directly before it.
    gap: str
    #: The ``'s`` or ``'`` that must follow; empty: a possessive does not matter.
    possessive: str = ""
    #: Has a ``*`` in a script without spaces and is not the last element: the rest of the run may follow.
    runs_on: bool = False
    #: The expression of a ``HOLES`` element.
    expression: re.Pattern[str] | None = None

    def fits(self, raw: str, folded: str, plain: str) -> bool:
        """Return whether a word of the text, in its three forms, fits."""
        word = plain if self.form is Form.PLAIN else raw if self.form is Form.EXACT else folded
        if self.shape is Shape.WORD:
            return word == self.text
        if self.shape is Shape.PREFIX:
            return word.startswith(self.text)
        assert self.expression is not None
        return self.expression.fullmatch(word) is not None


class Pattern(NamedTuple):
    """A whole term."""

    elements: tuple[Element, ...]
    #: The marks that must be directly behind the last word.
    tail: str
    #: Written in CAPITALS: matches only capitals, and is weak where the title shouts.
    is_capitals: bool


#: Nearly every term: words of ASCII letters and digits, whole or with a ``*`` behind at least ``MIN_PREFIX`` of them.
_SIMPLE = re.compile(rf"{_SIMPLE_WORD}(?: {_SIMPLE_WORD})*\Z")


def is_simple(term: str) -> bool:
    """Return whether a term of allowed length is only words of ASCII letters and digits, whole or with a ``*``."""
    return len(term) <= MAX_TERM_CHARACTERS and _SIMPLE.match(term) is not None


def read_pattern(term: str, *, is_exact: bool = False) -> Pattern:
    """Parse a normal text without operators into its pattern. Raises QueryError with offsets into it."""
    if not is_exact and term.isalnum() and term.islower() and term.isascii() and len(term) <= MAX_TERM_CHARACTERS:
        return Pattern((Element(term, _PLAIN, _WORD, ""),), "", False)
    if is_simple(term):
        return _simple(term, is_exact=is_exact)
    if len(term) > MAX_TERM_CHARACTERS:
        raise QueryError(
            f"a term of {len(term):,} characters; at most {MAX_TERM_CHARACTERS:,}",
            0,
            len(term),
            "term-too-long",
            "a term is a word or a short phrase",
        )
    pieces, tail = _pieces(term)
    if not pieces:
        raise QueryError(
            f'"{term}" has no letter or digit' if term.strip() else "an empty term",
            0,
            len(term),
            "empty-term",
            "a term needs at least one letter or digit",
        )
    letters = [letter for piece in pieces for letter in piece.word if letter.isalpha()]
    is_capitals = not is_exact and _are_capitals(letters)
    elements = []
    for index, piece in enumerate(pieces):
        is_fixed = is_exact or is_capitals or _are_capitals([letter for letter in piece.word if letter.isalpha()])
        elements.append(_element(piece, is_fixed=is_fixed, is_last=index == len(pieces) - 1))
    return Pattern(tuple(elements), tail, is_capitals)


def _simple(term: str, *, is_exact: bool) -> Pattern:
    """Parse a simple term without a look at each character."""
    is_capitals = not is_exact and term.isupper() and _has_two_letters(term)
    is_fixed = is_exact or is_capitals
    elements = []
    gap = ""
    for piece in term.split(" "):
        word = piece.removesuffix("*")
        shape = _PREFIX if piece.endswith("*") else _WORD
        if is_fixed or (word.isupper() and _has_two_letters(word)):
            elements.append(Element(word, _EXACT, shape, gap))
        else:
            elements.append(Element(word.lower(), _PLAIN, shape, gap))
        gap = " "
    return Pattern(tuple(elements), "", is_capitals)


def _has_two_letters(word: str) -> bool:
    return sum(map(str.isalpha, word)) >= 2


def _are_capitals(letters: list[str]) -> bool:
    return len(letters) >= 2 and all(letter.isupper() for letter in letters)


@dataclass(slots=True)
class _Piece:
    word: str
    gap: str
    possessive: str
    has_star: bool = False


def _pieces(term: str) -> tuple[list[_Piece], str]:
    """Return the words with their wildcards, and the marks behind the last word."""
    pieces: list[_Piece] = []
    position = 0
    mark = ""
    joins = False
    for token in tokens.tokens(term):
        gap = tokens.gap_form(mark + term[position : token.start])
        _refuse_wildcards(term, position, token.start)
        if joins and position == token.start and not tokens.is_unspaced(token.text):
            pieces[-1].word += token.text
            pieces[-1].possessive = token.possessive
        else:
            pieces.append(_Piece(token.text, gap if pieces else gap.lstrip(" "), token.possessive))
        position, joins = _take_wildcards(term, token, pieces)
        mark = token.mark
    _refuse_wildcards(term, position, len(term))
    return pieces, tokens.gap_form(mark + term[position:]).rstrip(" ")


def _take_wildcards(term: str, token: tokens.Token, pieces: list[_Piece]) -> tuple[int, bool]:
    """Read the ``?`` and ``*`` directly behind a word; return where they end and whether the word may continue."""
    position = token.gap
    if token.possessive:
        return position, False
    while term[position : position + 1] == "?":
        position += 1
        if tokens.is_unspaced(pieces[-1].word[-1]) or pieces[-1].word == "?":
            pieces.append(_Piece("?", "", ""))
        else:
            pieces[-1].word += "?"
    if term[position : position + 1] != "*":
        return position, pieces[-1].word.endswith("?") and pieces[-1].word != "?"
    _check_prefix(term, pieces[-1].word, token.start, position + 1)
    pieces[-1].has_star = True
    position += 1
    if position < len(term) and (term[position].isalnum() or term[position] in "*?"):
        raise QueryError(
            "a * is only allowed at the end of a word",
            position - 1,
            position,
            "inner-wildcard",
            "use ? for one letter or digit inside a word",
        )
    return position, False


def _check_prefix(term: str, word: str, start: int, end: int) -> None:
    literal = sum(letter.isalnum() for letter in word)
    is_syllabic = _HANGUL.search(word) or any(tokens.is_unspaced(letter) for letter in word)
    if literal < (1 if is_syllabic else MIN_PREFIX):
        raise QueryError(
            f'"{term[start:end]}" has fewer than {MIN_PREFIX} letters or digits before its *',
            start,
            end,
            "short-prefix",
            f"write at least {MIN_PREFIX}, or list the words you mean",
        )


def _refuse_wildcards(term: str, start: int, end: int) -> None:
    for position in range(start, end):
        if term[position] in "*?":
            raise QueryError(
                f"a {term[position]} needs the beginning of a word before it",
                position,
                position + 1,
                "leading-wildcard",
                "a wildcard cannot begin a word; list the words you mean",
            )


def _element(piece: _Piece, *, is_fixed: bool, is_last: bool) -> Element:
    if is_fixed:
        form, word = Form.EXACT, piece.word
    else:
        word = tokens.fold_case(piece.word)
        form = Form.PLAIN if tokens.drop_accents(word) == word else Form.ACCENTED
    if "?" in word:
        ending = ".*" if piece.has_star else ""
        holes = re.compile(tokens.LETTER_PATTERN.join(map(re.escape, word.split("?"))) + ending, re.DOTALL)
        shown = word + ("*" if piece.has_star else "")
        return Element(shown, form, Shape.HOLES, piece.gap, piece.possessive, False, holes)
    shape = Shape.PREFIX if piece.has_star else Shape.WORD
    runs_on = piece.has_star and not is_last and tokens.is_unspaced(word[-1])
    return Element(word, form, shape, piece.gap, piece.possessive, runs_on)
