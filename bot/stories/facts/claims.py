"""What the articles of a story have said so far, and what of a new statement they have not said.

Kept are words and names, numbers with the words near them, days, and the statements that have them, bounded however
many articles join. No text is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from bot import model
from bot.stories.facts.deadlines import Dues
from bot.stories.facts.reading import Figure, Reading, Statement, read
from bot.text import dates, names, numbers

#: How many of each are kept: the newest, since what is repeated is put in again.
WORDS, NUMBERS, STATEMENTS, ARTICLES = 3_000, 300, 120, 64
#: The first statements of an article, which are kept as such; of further ones words and numbers are.
PROMINENT = 6
#: Articles read at the beginning and at the end of a story whose claims were not kept.
_FIRST, _LAST = 8, 120
#: The number of documents that the background table stands for.
_DOCUMENTS = 2000
#: The weight of a meaning of the lexicon, which is that of a fairly common word, and the highest weight of a word.
_MEANING, _HEAVIEST = 2.5, 8.0
#: A smaller number without a unit is often the same by chance.
_TELLING = 20


@dataclass(frozen=True, slots=True)
class Stated:
    """A number or a day that an article gave, with the words of its statement."""

    number: numbers.Number | None
    day: dates.Day | None
    #: What the number counts, and the words near it.
    what: str
    beside: frozenset[str]
    #: Of the whole statement.
    words: frozenset[str]
    names: frozenset[str]
    language: str


@dataclass(slots=True)
class StoryClaims:
    """Grows with each article that is added, up to its bounds."""

    #: Word or name -> the article that had it last, counted from the story's first.
    words: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    #: Content and language of prominent statements.
    statements: list[tuple[frozenset[str], str]] = field(default_factory=list)
    stated: list[Stated] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)
    outlets: dict[str, None] = field(default_factory=dict)
    #: The kinds of turns that prominent statements reported, and those of the story's first headline.
    turns: set[str] = field(default_factory=set)
    opening: tuple[str, ...] = ()
    count: int = 0
    last_at: datetime | None = None
    dues: Dues = field(default_factory=Dues)

    def add(self, reading: Reading, *, is_version: bool = False) -> None:
        """Take in an article; ``is_version``: a new version of one that is in the story."""
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
        _renew_outlets(self.outlets, reading.outlet)
        self.fingerprints.append(reading.fingerprint)
        self.last_at = max(self.last_at or reading.at, reading.at)
        self.dues.add(reading)
        for table in (self.words, self.names):
            while len(table) > WORDS:
                del table[next(iter(table))]
        del self.statements[:-STATEMENTS], self.stated[:-NUMBERS], self.fingerprints[:-ARTICLES]

    def has_number(self, figure: Figure) -> bool:
        """Whether the story gave this number, rounded or not; a small bare one counts only for the same thing."""
        return any(
            stated.number is not None
            and stated.number.is_same(figure.number)
            and (stated.number.unit or stated.number.value >= _TELLING or _is_of_the_same(stated, figure))
            for stated in self.stated
        )

    def has_value(self, figure: Figure) -> bool:
        """Whether the story gave exactly this number, of whatever."""
        value = (figure.number.unit, figure.number.value)
        return any(each.number is not None and (each.number.unit, each.number.value) == value for each in self.stated)

    def has_day(self, day: dates.Day) -> bool:
        """Whether the story gave this day."""
        return any(stated.day is not None and stated.day.agrees_with(day) for stated in self.stated)

    def has_values(self, statement: Statement) -> bool:
        """Whether the story gave all numbers and days of the statement."""
        return all(map(self.has_number, statement.figures)) and all(map(self.has_day, statement.days))

    def apart(self, statement: Statement) -> float:
        """Return the share, 0 to 1, of the statement's weight that the nearest one of the story lacks."""
        content = statement.content
        common = [weight(content & other) for other, language in self.statements if language == statement.language]
        return 1 - max(common, default=0.0) / (weight(content) or 1.0)

    def repeats(self, statement: Statement) -> bool:
        """Whether the story has the statement nearly word for word, with each of its values and turns."""
        is_told = self.turns.issuperset(statement.turns) and self.has_values(statement)
        return is_told and self.apart(statement) < _REPEATED


#: A repeated statement lacks less than this share of its weight.
_REPEATED = 0.15


def claims_of(articles: Sequence[model.Article]) -> StoryClaims:
    """Return the claims of articles in order of joining; costs the same from some hundred articles on."""
    claims = StoryClaims()
    for article in articles if len(articles) <= _FIRST + _LAST else (*articles[:_FIRST], *articles[-_LAST:]):
        claims.add(read(article))
    claims.count = len(articles)
    return claims


def weight(words: Iterable[str]) -> float:
    """Return the sum of the words' weights: a rare word weighs more."""
    return sum(map(_weight, words))


@lru_cache(maxsize=1 << 15)
def _weight(word: str) -> float:
    if word.startswith("="):
        return _MEANING
    rate = names.background_table().rates.get(word, 0.0)
    return min(_HEAVIEST, math.log((_DOCUMENTS + 1) / (rate * _DOCUMENTS + 0.5)))


def _is_of_the_same(stated: Stated, figure: Figure) -> bool:
    return bool(stated.beside & figure.beside) or (bool(figure.what) and stated.what == figure.what)


def _renew(table: dict[str, int], words: Iterable[str], at: int) -> None:
    """Put words last, so that the oldest is dropped first."""
    for word in words:
        table.pop(word, None)
        table[word] = at


def _renew_outlets(table: dict[str, None], outlet: str) -> None:
    table.pop(outlet, None)
    table[outlet] = None
    while len(table) > ARTICLES:
        del table[next(iter(table))]


def _stated(statement: Statement) -> Iterable[Stated]:
    shape = (statement.content, statement.names, statement.language)
    for figure in statement.figures:
        yield Stated(figure.number, None, figure.what, figure.beside, *shape)
    for day in statement.days:
        yield Stated(None, day, "", frozenset(), *shape)
