"""Track the dated deadlines of a story.

A moved deadline has only its new day. A later article that repeats the old day does not restore it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.model.stories import Deadline, Fact
from bot.stories.facts.reading import Reading, Statement
from bot.text import dates, lexicon
from bot.text.words import fold

#: Maximum deadlines, and maximum replaced days, kept per story.
_MOST = 20
#: Number of first sentences in which every deadline counts. In later sentences, only a moved deadline counts.
_PROMINENT = 4
#: Two sentences with at least this number of common words are about the same matter.
_SAME_MATTER = 3
#: A word such as "deadline" makes a day a deadline if it is at most _BEFORE characters before the day, or at most
#: _BEHIND characters after it.
_BEFORE, _BEHIND = 90, 45
#: Meanings of words by which a statement moves a day or drops it.
MOVED = frozenset({"=delay", "=extend", "=advance", "=suspend", "=correct", "=reverse"})
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_CLAUSE = re.compile(r"[,;–—]|\s-\s")
#: "Due to" that means "because of", or a plan that was dropped: "due to the order", "had been due to sail".
_BECAUSE = re.compile(r"(?<!\bis )(?<!\bare )\bdue to\b", re.IGNORECASE)
#: A past state, which is not a deadline: "The services were down until Monday."
_LASTED = re.compile(r"\b(?:was|were|had)\b[^,;]*$")


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline with the words of its sentence, and its fact."""

    day: dates.Day
    words: frozenset[str]
    fact: Fact


@dataclass(slots=True)
class Dues:
    """The deadlines of a story, to which each article adds. Their number is limited."""

    held: list[Due] = field(default_factory=list)
    #: Replaced days, which later articles do not restore.
    gone: list[dates.Day] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        """Add the deadlines of an article, which may move earlier ones."""
        candidates = [
            (_is_moved(statement), day, statement) for statement in reading.statements for day in _due(statement)
        ]
        # A statement that moves a deadline is more reliable than a statement that only mentions it.
        for is_moved, day, statement in sorted(candidates, key=lambda candidate: not candidate[0]):
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
            fact = reading.fact("date", "deadline", None, day.shown(statement.day), statement.text)
            self.held.append(Due(day, statement.content, fact))
        del self.held[:-_MOST], self.gone[:-_MOST]

    def deadlines(self) -> tuple[Deadline, ...]:
        """Return the deadlines, earliest first, including past ones."""
        items = (Deadline(day=due.day.begins(), fact=due.fact) for due in self.held)
        return tuple(sorted(items, key=lambda item: item.day))

    def _replaced(self, statement: Statement, *, is_moved: bool) -> Due | None:
        """Return the deadline whose day the statement replaces, or else the last one on the same matter, or None."""
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
    """Yield the future days that a sentence gives as deadlines, except days that it replaces."""
    for at, day in enumerate(statement.days):
        if day.day is None or not day.may_follow(statement.day):
            continue
        start = statement.days[at - 1].end if at else 0
        leading, following = statement.plain[max(start, day.start - _BEFORE) : day.start], statement.plain[day.end :]
        if is_put_away(day.start, statement):
            continue
        # Near "deadline", the article's own day is usually the day of a statement, not the deadline.
        is_later = day.begins() > statement.day
        if (
            _is_after(leading, statement)
            or _is_before(following, statement)
            or (is_later and _is_called(leading, following, statement))
            or (at and _is_moved(statement) and _is_called(statement.plain[: day.start], following, statement))
        ):
            yield day


def _is_after(leading: str, statement: Statement) -> bool:
    """Return whether a deadline word precedes the day: "by 30 November", "bis zum 30. November"."""
    last = [fold(word) for word in _WORD.findall(leading)[-3:]]
    table = lexicon.of(statement.language)
    if not last or _LASTED.search(leading):
        return False
    return any(
        table.has("due", word) and all(table.has("small", between) for between in last[at + 1 :])
        for at, word in enumerate(last)
    )


def _is_before(following: str, statement: Statement) -> bool:
    """Return whether a deadline word follows the day, as in some languages."""
    first = _WORD.search(following[:_BEHIND])
    return first is not None and lexicon.of(statement.language).has("due-after", fold(first[0]))


def _is_called(leading: str, following: str, statement: Statement) -> bool:
    """Return whether a word such as "deadline" is near the day: "the deadline is 30 November", "due on 30 November"."""
    leading, following = _BECAUSE.sub("", leading), _BECAUSE.sub("", following)
    words = [*_WORD.findall(leading), *_WORD.findall(_CLAUSE.split(following[:_BEHIND], maxsplit=1)[0])]
    return any("=deadline" in lexicon.meanings(statement.language, fold(word)) for word in words)


def is_put_away(at: int, statement: Statement, *, is_hedged: bool = False) -> bool:
    """Return whether a word like "not", "from" or "rather than" is right before a value, so that the value is replaced.

    If ``is_hedged``, the last word before the value belongs to a number, like "than" in "more than 20".
    """
    # Words before another number refer to that number: "from 60 to 30".
    preceding = _WORD.findall(_DIGIT.split(statement.plain[max(0, at - 30) : at])[-1])
    preceding = preceding[-3:-1] if is_hedged else preceding[-2:]
    return any(lexicon.of(statement.language).has("away", fold(word)) for word in preceding)
