"""What a story has said so far, bounded however many articles joined, and written to JSON with the story.

Kept are words and names, numbers with what is beside them, days, and the statements that bear them. Knows no text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot import model
from bot.facts.deadlines import Dues
from bot.facts.reading import Reading, Statement
from bot.language import dates, numbers

#: How many of each a story keeps: the newest, since what is repeated is put in again.
WORDS, NUMBERS, STATEMENTS, ARTICLES = 3_000, 300, 120, 64
#: Sentences of an article whose statements are kept; of further ones words and numbers are.
_PROMINENT = 6


@dataclass(frozen=True, slots=True)
class Stated:
    """A number or a day that the story gave, and in which words."""

    number: numbers.Number | None
    day: dates.Day | None
    #: What the number counts, and the words near it.
    what: str
    beside: frozenset[str]
    #: Of the statement that it is in.
    words: frozenset[str]
    names: frozenset[str]
    language: str


@dataclass(slots=True)
class StoryClaims:
    """Grows with each reading that is added, up to its bounds."""

    #: Word or name -> the article that said it last, counted from the story's first.
    words: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    #: Of headlines and first sentences: what the story is about, with how many articles name it.
    subject: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    statements: list[tuple[frozenset[str], str]] = field(default_factory=list)
    stated: list[Stated] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)
    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    #: When the story last had news: a report within hours of it tells the same news.
    news_at: datetime | None = None

    dues: Dues = field(default_factory=Dues)

    def add(
        self,
        reading: Reading,
        told: Sequence[model.Fact] = (),
        *,
        is_news: bool | None = None,
        is_version: bool = False,
    ) -> None:
        """Take in what an article says and what of it was told as new.

        ``is_news``: it was, whatever was told; ``is_version``: of an article that is in the story.
        """
        at = self.count
        self.count += not is_version
        for statement in reading.statements:
            _renew(self.words, statement.words, at)
            _renew(self.names, statement.names, at)
            said = (statement.content, statement.language)
            if statement.order <= _PROMINENT and statement.words and said not in self.statements:
                self.statements.append(said)
            for stated in _stated(statement):
                if stated in self.stated:
                    self.stated.remove(stated)
                self.stated.append(stated)
        for statement in reading.statements[:2]:
            for name in statement.names:
                self.subject[name] = self.subject.get(name, 0) + 1
        self.languages[reading.language] = at
        self.fingerprints.append(reading.fingerprint)
        self.first_at = min(self.first_at or reading.at, reading.at)
        self.last_at = max(self.last_at or reading.at, reading.at)
        if (bool(told) if is_news is None else is_news) or self.count == 1:
            self.news_at = max(self.news_at or reading.at, reading.at)
        self.dues.add(reading)
        self._forget()

    def _forget(self) -> None:
        for table in (self.words, self.names, self.subject):
            while len(table) > WORDS:
                del table[next(iter(table))]
        del self.statements[:-STATEMENTS], self.stated[:-NUMBERS], self.fingerprints[:-ARTICLES]


def _renew(table: dict[str, int], words: Iterable[str], at: int) -> None:
    """The newest is last, so that the oldest is dropped first."""
    for word in words:
        table.pop(word, None)
        table[word] = at


def _stated(statement: Statement) -> Iterable[Stated]:
    said = (statement.content, statement.names, statement.language)
    for figure in statement.figures:
        yield Stated(figure.number, None, figure.what, figure.beside, *said)
    for day in statement.days:
        yield Stated(None, day, "", frozenset(), *said)
