"""The parsed form of a query or a list item: a tree of frozen values.

Expression = Words | Regex | Window | Value       the terms
           | Named                                a set, written $name
           | Near | Not | All | Any               the operators
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from bot.patterns import LazyPattern
from bot.rules.errors import QueryError
from bot.text import tokens

#: Maximum length of a term, because longer ones are usually pasted text.
MAX_TERM_CHARACTERS = 1_000
#: Minimum letters or digits before a ``*``. In scripts whose letters are syllables or words, one is enough.
MIN_PREFIX = 3

_HANGUL = LazyPattern("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")


_SIMPLE_WORD = rf"(?:[A-Za-z0-9]+|[A-Za-z0-9]{{{MIN_PREFIX},}}\*)"


class Form(Enum):
    #: Case and accents are ignored.
    PLAIN = "plain"
    #: Case is ignored; accents count, because the term has accents.
    ACCENTED = "accented"
    #: Case and accents count.
    EXACT = "exact"


class Shape(Enum):
    WORD = "word"
    #: A word that ends in ``*``.
    PREFIX = "prefix"
    #: A word with a ``?``, which may also end in ``*``.
    HOLES = "holes"


# Copies of enum members that every term needs, because looking up an enum member is slow in Python 3.11.
_PLAIN, _EXACT, _WORD, _PREFIX = Form.PLAIN, Form.EXACT, Shape.WORD, Shape.PREFIX


class Element(NamedTuple):
    #: The word, folded as ``form`` requires; a ``HOLES`` element keeps its wildcards.
    text: str
    form: Form
    shape: Shape
    #: The gap between the previous word and this word, as ``tokens.gap_form`` writes it; in the first element, the
    #: punctuation that must be directly before it.
    gap: str
    #: The ``'s`` or ``'`` that must follow, or empty if a possessive does not matter.
    possessive: str = ""
    #: Whether other letters may come before the next element, because of a ``*`` in a script without spaces.
    runs_on: bool = False
    #: The regular expression of a ``HOLES`` element.
    expression: re.Pattern[str] | None = None

    def fits(self, raw: str, folded: str, plain: str) -> bool:
        """Return whether a word of the text fits, given its three forms."""
        word = plain if self.form is Form.PLAIN else raw if self.form is Form.EXACT else folded
        if self.shape is Shape.WORD:
            return word == self.text
        if self.shape is Shape.PREFIX:
            return word.startswith(self.text)
        assert self.expression is not None
        return self.expression.fullmatch(word) is not None


class Pattern(NamedTuple):
    elements: tuple[Element, ...]
    #: The punctuation that must directly follow the last word.
    tail: str
    #: Whether the term is in CAPITALS: it matches only capitals, and its match in a title that shouts is weak.
    is_capitals: bool


#: Words of ASCII letters and digits, as in nearly every term. A ``*`` needs at least ``MIN_PREFIX`` of them before it.
_SIMPLE = LazyPattern(rf"{_SIMPLE_WORD}(?: {_SIMPLE_WORD})*\Z")


def is_simple(term: str) -> bool:
    """Return whether a term is not too long and has only words of ASCII letters and digits, which may end in ``*``."""
    return len(term) <= MAX_TERM_CHARACTERS and _SIMPLE.match(term) is not None


def read_pattern(term: str, *, is_exact: bool = False) -> Pattern:
    """Parse a normalised term without operators into its pattern. Raises QueryError with offsets into the term."""
    if not is_exact and term.isalnum() and term.islower() and term.isascii() and len(term) <= MAX_TERM_CHARACTERS:
        return Pattern((Element(term, _PLAIN, _WORD, ""),), "", False)
    if is_simple(term):
        return _read_simple(term, is_exact=is_exact)
    if len(term) > MAX_TERM_CHARACTERS:
        raise QueryError(
            f"a term of {len(term):,} characters; at most {MAX_TERM_CHARACTERS:,}",
            0,
            len(term),
            "term-too-long",
            "a term is a word or a short phrase",
        )
    pieces, tail = _split_pieces(term)
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
        elements.append(_read_element(piece, is_fixed=is_fixed, is_last=index == len(pieces) - 1))
    return Pattern(tuple(elements), tail, is_capitals)


def _read_simple(term: str, *, is_exact: bool) -> Pattern:
    """Parse a simple term without checking each character."""
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


class _Piece(msgspec.Struct):
    word: str
    gap: str
    possessive: str
    has_star: bool = False


def _split_pieces(term: str) -> tuple[list[_Piece], str]:
    """Return the words with their wildcards, and the punctuation after the last word."""
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
    """Read the ``?`` and ``*`` directly after a word; return their end and whether the word may continue."""
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


def _read_element(piece: _Piece, *, is_fixed: bool, is_last: bool) -> Element:
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


#: Fields in which a term without a field is searched.
TEXT_FIELDS = ("title", "body")
#: Fields of a list item. The lead is the title and the first two sentences of the body.
LIST_FIELDS = (*TEXT_FIELDS, "lead")
#: Fields whose words are searched.
WORD_FIELDS = ("title", "body", "lead", "url", "author", "tag", "source")
FIELDS = ("title", "body", "lead", "url", "site", "author", "tag", "lang", "source")


@dataclass(frozen=True, slots=True)
class Words:
    """A word or a phrase."""

    #: The normalised text of the term, without quotes or braces.
    text: str
    is_exact: bool = False
    #: The field to search; None means title and body.
    field: str | None = None
    pattern: Pattern = dataclasses.field(kw_only=True, compare=False, repr=False)


class Regex(msgspec.Struct, frozen=True):
    """A regular expression: ``/source/`` or ``/source/i``."""

    source: str
    ignores_case: bool = False
    field: str | None = None


class Window(msgspec.Struct, frozen=True):
    """``"a b c"~n``: all words in any order, with at most ``words`` other words inside."""

    parts: tuple[Words, ...]
    words: int
    field: str | None = None


class Value(msgspec.Struct, frozen=True):
    """A ``site:`` or ``lang:`` term, which is compared as a whole."""

    field: str
    text: str


class Named(msgspec.Struct, frozen=True):
    """A named set, which is true if any of its terms is true."""

    name: str
    parts: tuple[Expression, ...]
    field: str | None = None


class Near(msgspec.Struct, frozen=True, dict=True):
    """Both sides in one field, with at most ``words`` words between them."""

    left: Expression
    right: Expression
    words: int
    is_ordered: bool = False

    @functools.cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields in which both sides can match, computed once because every article needs them."""
        return _ordered_fields(fields_of(self.left) & fields_of(self.right))


class Not(msgspec.Struct, frozen=True):
    """A negation, which is true if its part is not."""

    part: Expression


class All(msgspec.Struct, frozen=True):
    """AND of at least two parts."""

    parts: tuple[Expression, ...]


class Any(msgspec.Struct, frozen=True):
    """OR of at least two parts."""

    parts: tuple[Expression, ...]


Leaf: TypeAlias = Words | Regex | Window | Value
_LEAVES = (Words, Regex, Window, Value)
_SEVERAL = (Any, All, Named)
Expression: TypeAlias = Leaf | Named | Near | Not | All | Any


def make_words(text: str, *, is_exact: bool = False, field: str | None = None) -> Words:
    """Return the term for a normalised text. Raises QueryError."""
    return Words(text, is_exact, field, pattern=read_pattern(text, is_exact=is_exact))


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the direct parts; empty for a leaf."""
    # isinstance is several times faster than a class pattern, and this runs for every rule.
    if isinstance(expression, _SEVERAL):
        return expression.parts
    if isinstance(expression, Near):
        return (expression.left, expression.right)
    return (expression.part,) if isinstance(expression, Not) else ()


def change_parts(tree: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return the tree with ``change`` applied to each direct part; a leaf does not change."""
    match tree:
        case Near(left, right):
            return replace(tree, left=change(left), right=change(right))
        case Not(part):
            return Not(change(part))
        case Any(parts) | All(parts) | Named(_, parts):
            return replace(tree, parts=tuple(map(change, parts)))
        case _:
            return tree


def leaves(expression: Expression) -> list[Leaf]:
    """Return the terms in order, including the terms of sets and exclusions."""
    terms: list[Leaf] = []
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _LEAVES):
            terms.append(node)
        else:
            waiting.extend(reversed(children(node)))
    return terms


def requires_a_term(expression: Expression) -> bool:
    """Return whether the expression can be true only if some term matches."""
    match expression:
        case Not():
            return False
        case All(parts):
            return any(requires_a_term(part) for part in parts)
        case Any(parts):
            return all(requires_a_term(part) for part in parts)
        case _:
            return True


def fields_of(part: Expression) -> frozenset[str]:
    """Return the fields in which a part under NEAR can match."""
    match part:
        case Near():
            return frozenset(part.fields)
        case Any(parts) | Named(_, parts):
            return frozenset[str]().union(*map(fields_of, parts))
        case _:
            field = getattr(part, "field", None)
            return frozenset(TEXT_FIELDS if field is None else (field,))


@functools.cache
def _ordered_fields(fields: frozenset[str]) -> tuple[str, ...]:
    """Return the fields in their fixed order; cached so that equal tuples are one object."""
    return tuple(field for field in WORD_FIELDS if field in fields)
