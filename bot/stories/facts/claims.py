"""Record the claims of a story's articles, and compare a new statement with them.

The record has words, names, days, numbers with the words near them, and the words of statements. Its size is limited
however many articles join, and it contains no text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from bot.model.stories import Article
from bot.stories.facts.reading import Figure, Reading, Statement, read
from bot.text import dates, names, numbers

#: Maximum claims of each kind to keep. The newest are kept; a repeated claim counts as new.
WORDS, NUMBERS, STATEMENTS, ARTICLES = 3_000, 300, 120, 64
#: Number of first statements of an article to keep; later statements contribute only words and values.
PROMINENT = 6
#: Number of articles to read at the beginning and at the end of a story whose claims are not stored.
_FIRST, _LAST = 8, 120
#: The number of documents that the background table represents.
_DOCUMENTS = 2000
#: _MEANING is the weight of a meaning of the lexicon, like that of a fairly common word. _HEAVIEST is the highest
#: weight of a word.
_MEANING, _HEAVIEST = 2.5, 8.0
#: Numbers without a unit that are smaller than this are often equal by chance.
_TELLING = 20


@dataclass(frozen=True, slots=True)
class Stated:
    """A number or a day in an article, with the words of its statement."""

    number: numbers.Number | None
    day: dates.Day | None
    #: The thing that the number counts.
    what: str
    #: Words near the number.
    beside: frozenset[str]
    #: Words of the whole statement.
    words: frozenset[str]
    #: Names in the whole statement.
    names: frozenset[str]
    language: str


@dataclass(slots=True)
class StoryClaims:
    """The claims of a story, to which each article adds. Their number is limited."""

    #: Word -> number of the last article that contained it, counted from the story's first article.
    words: dict[str, int] = field(default_factory=dict)
    #: Name -> number of the last article that contained it.
    names: dict[str, int] = field(default_factory=dict)
    #: Content and language of prominent statements.
    statements: list[tuple[frozenset[str], str]] = field(default_factory=list)
    stated: list[Stated] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)
    #: Outlet -> number of its last article.
    outlets: dict[str, int] = field(default_factory=dict)
    #: The kinds of turns in prominent statements.
    turns: set[str] = field(default_factory=set)
    #: The kinds of turns in the story's first headline.
    opening: tuple[str, ...] = ()
    count: int = 0
    last_at: datetime | None = None

    def add(self, reading: Reading, *, is_version: bool = False) -> None:
        """Add the claims of an article. If ``is_version``, the story already has an earlier version of it."""
        at = self.count
        self.count += not is_version
        for statement in reading.statements:
            _renew(self.words, statement.words, at)
            _renew(self.names, statement.names, at)
            shape = (statement.content, statement.language)
            if statement.order <= PROMINENT and statement.words and shape not in self.statements:
                self.statements.append(shape)
            if statement.order <= PROMINENT:
                self.turns.update(statement.turns)
            for stated in _stated(statement):
                if stated in self.stated:
                    self.stated.remove(stated)
                self.stated.append(stated)
        if not at and reading.statements:
            self.opening = reading.statements[0].turns
        _renew(self.outlets, [reading.outlet], at)
        self.fingerprints.append(reading.fingerprint)
        self.last_at = max(self.last_at or reading.at, reading.at)
        for table, most in ((self.words, WORDS), (self.names, WORDS), (self.outlets, ARTICLES)):
            while len(table) > most:
                del table[next(iter(table))]
        del self.statements[:-STATEMENTS], self.stated[:-NUMBERS], self.fingerprints[:-ARTICLES]

    def has_number(self, figure: Figure) -> bool:
        """Return whether the story has this number, perhaps rounded.

        A small number without a unit must also count the same thing.
        """
        return any(
            stated.number is not None
            and stated.number.is_same(figure.number)
            and (
                bool(stated.number.unit)
                or stated.number.value >= _TELLING
                or not stated.beside.isdisjoint(figure.beside)
                or figure.what == stated.what != ""
            )
            for stated in self.stated
        )

    def has_value(self, figure: Figure) -> bool:
        """Return whether the story has exactly this number, whatever it counts."""
        value = (figure.number.unit, figure.number.value)
        return any(
            stated.number is not None and (stated.number.unit, stated.number.value) == value for stated in self.stated
        )

    def has_day(self, day: dates.Day) -> bool:
        """Return whether the story has this day."""
        return any(stated.day is not None and stated.day.agrees_with(day) for stated in self.stated)

    def has_values(self, statement: Statement) -> bool:
        """Return whether the story has all numbers and days of the statement."""
        return all(map(self.has_number, statement.figures)) and all(map(self.has_day, statement.days))

    def apart(self, statement: Statement) -> float:
        """Return the share, 0 to 1, of the statement's weight that the story's nearest statement lacks."""
        content = statement.content
        common = [weight(content & other) for other, language in self.statements if language == statement.language]
        return 1 - max(common, default=0.0) / (weight(content) or 1.0)

    def repeats(self, statement: Statement) -> bool:
        """Return whether the story has the statement nearly word for word, with all its values and turns."""
        has_details = self.turns.issuperset(statement.turns) and self.has_values(statement)
        return has_details and self.apart(statement) < _REPEATED


#: A statement is a repetition if the story lacks less than this share of its weight.
_REPEATED = 0.15


def claims_of(articles: Sequence[Article]) -> StoryClaims:
    """Return the claims of articles in order of joining; the cost is constant from about 130 articles on."""
    claims = StoryClaims()
    for article in articles if len(articles) <= _FIRST + _LAST else (*articles[:_FIRST], *articles[-_LAST:]):
        claims.add(read(article))
    claims.count = len(articles)
    return claims


def weight(words: Iterable[str]) -> float:
    """Return the sum of the words' weights, which are higher for rare words."""
    return sum(map(_weight, words))


@lru_cache(maxsize=1 << 15)
def _weight(word: str) -> float:
    if word.startswith("="):
        return _MEANING
    rate = names.background_table().rates.get(word, 0.0)
    return min(_HEAVIEST, math.log((_DOCUMENTS + 1) / (rate * _DOCUMENTS + 0.5)))


def _renew(table: dict[str, int], words: Iterable[str], at: int) -> None:
    """Move words to the end, so that the oldest is deleted first."""
    for word in words:
        table.pop(word, None)
        table[word] = at


def _stated(statement: Statement) -> Iterable[Stated]:
    shape = (statement.content, statement.names, statement.language)
    for figure in statement.figures:
        yield Stated(figure.number, None, figure.what, figure.beside, *shape)
    for day in statement.days:
        yield Stated(None, day, "", frozenset(), *shape)
