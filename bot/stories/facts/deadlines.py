"""The dated deadlines that a story holds, each as its newest article has it.

A deadline that moved counts with its new day only; a late article that repeats the old day does not bring it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot import model
from bot.stories.facts.reading import Reading, Statement
from bot.text import dates, lexicon
from bot.text.words import fold

#: Deadlines kept of one story, and replaced days that are remembered.
_MOST = 20
#: Sentences in which a deadline is one of the article's matter; further down only one that is said to have moved.
_PROMINENT = 4
#: Words in common from which on two sentences are about the same matter.
_SAME_MATTER = 3
#: Characters before and behind a day in which the word deadline makes it one.
_BEFORE, _BEHIND = 90, 45
MOVED = frozenset({"=delay", "=extend", "=advance", "=suspend", "=correct", "=reverse"})
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_CLAUSE = re.compile(r"[,;–—]|\s-\s")
#: "The services were down until Monday."
_LASTED = re.compile(r"\b(?:was|were|had)\b[^,;]*$")


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline and the sentence that tells it."""

    day: dates.Day
    words: frozenset[str]
    fact: model.Fact


@dataclass(slots=True)
class Dues:
    """What a story holds: grows with each reading, up to its bound."""

    held: list[Due] = field(default_factory=list)
    gone: list[dates.Day] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        """Take in the deadlines of one more article, which may move earlier ones."""
        found = [(_is_moved(statement), day, statement) for statement in reading.statements for day in _due(statement)]
        # A statement that a deadline moved knows more than one that names it.
        for is_moved, day, statement in sorted(found, key=lambda each: not each[0]):
            if statement.order > _PROMINENT and not is_moved:
                continue
            if any(due.day.agrees_with(day) for due in self.held):
                continue
            if not is_moved and any(day.agrees_with(other) for other in self.gone):
                continue
            old = self._replaced(statement, is_moved=is_moved)
            if old is not None:
                self.held.remove(old)
                self.gone.append(old.day)
            self.held.append(Due(day, statement.content, _fact(day, statement, reading)))
        del self.held[:-_MOST], self.gone[:-_MOST]

    def deadlines(self) -> tuple[model.Deadline, ...]:
        """Earliest first; also those that are over."""
        found = (model.Deadline(day=due.day.begins(), fact=due.fact) for due in self.held)
        return tuple(sorted(found, key=lambda each: each.day))

    def _replaced(self, statement: Statement, *, is_moved: bool) -> Due | None:
        """The deadline that a new day takes the place of: the one it names, else the last of the same matter."""
        for due in self.held if is_moved else ():
            if any(due.day.agrees_with(day) for day in statement.days):
                return due
        alike = [due for due in self.held if len(due.words & statement.content) >= _SAME_MATTER]
        if not alike and is_moved:
            alike = self.held
        return alike[-1] if alike else None


def _is_moved(statement: Statement) -> bool:
    return bool(MOVED & statement.content) or statement.has("away")


def _due(statement: Statement) -> Iterator[dates.Day]:
    """Exact days ahead that a sentence gives as a deadline, except for those that it puts away for another."""
    for at, day in enumerate(statement.days):
        if day.day is None or not day.may_follow(statement.day):
            continue
        start = statement.days[at - 1].end if at else 0
        before, behind = statement.plain[max(start, day.start - _BEFORE) : day.start], statement.plain[day.end :]
        if is_put_away(day.start, statement):
            continue
        if (
            _is_after(before, statement)
            or _is_before(behind, statement)
            or _is_called(before, behind, statement)
            or (at and _is_moved(statement) and _is_called(statement.plain[: day.start], behind, statement))
        ):
            yield day


def _is_after(before: str, statement: Statement) -> bool:
    """ "by 30 November", "bis zum 30. November"."""
    last = [fold(word) for word in _WORD.findall(before)[-3:]]
    table = lexicon.of(statement.language)
    if not last or _LASTED.search(before):
        return False
    return any(
        table.has("due", word) and all(table.has("small", each) for each in last[at + 1 :])
        for at, word in enumerate(last)
    )


def _is_before(behind: str, statement: Statement) -> bool:
    """The same in languages that put it behind."""
    first = _WORD.search(behind[:_BEHIND])
    return first is not None and lexicon.of(statement.language).has("due-after", fold(first[0]))


def _is_called(before: str, behind: str, statement: Statement) -> bool:
    words = [*_WORD.findall(before), *_WORD.findall(_CLAUSE.split(behind[:_BEHIND], maxsplit=1)[0])]
    return any("=deadline" in lexicon.meanings(statement.language, fold(word)) for word in words)


def is_put_away(at: int, statement: Statement, *, is_hedged: bool = False) -> bool:
    """A word like "not", "from" or "rather than" is right before that place.

    ``is_hedged``: a number whose own last word comes first, as the "than" of "more than 20".
    """
    # What is before another number is said of that one: "from 60 to 30".
    before = _WORD.findall(_DIGIT.split(statement.plain[max(0, at - 30) : at])[-1])
    before = before[-3:-1] if is_hedged else before[-2:]
    return any(lexicon.of(statement.language).has("away", fold(word)) for word in before)


def _fact(day: dates.Day, statement: Statement, reading: Reading) -> model.Fact:
    return model.Fact(
        kind="date",
        label="deadline",
        before=None,
        after=day.shown(statement.day),
        sentence=statement.text,
        article=reading.article,
        outlet=reading.outlet,
        link=reading.link,
        said_at=reading.at,
    )
