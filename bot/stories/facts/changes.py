"""Find changes ("A → B"): a value that, by the article's own words, replaces a value of the story.

The sentence itself names the value that it replaces ("moved from 30 November to 30 December", "eight dead, not nine"),
and the story has that value. A day may also move ("extended until 30 December") if the story has one day in that role.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from bot.patterns import LazyPattern
from bot.stories.facts.reading import FATES, SUMS, Figure, Reading, Statement
from bot.text import dates, lexicon
from bot.text.numbers import Number
from bot.text.words import fold_word

#: Number of sentences after the headline in which changes are sought.
_READ = 4
#: Meaning -> label of its numbers. The label of other numbers is the noun that follows them.
_NAMES = {
    "=die": "deaths",
    "=hurt": "injured",
    "=missing": "missing",
    "=arrest": "arrested",
    "=evacuate": "evacuated",
    "=rescue": "rescued",
    "=fine": "fine",
    "=sentence": "sentence",
    "=job": "jobs",
    "=ransom": "ransom",
    "=settle": "settlement",
}
#: Meaning -> label of its days.
_ROLES = {
    "=deadline": "deadline",
    "=hearing": "hearing",
    "=vote": "vote",
    "=strike": "strike",
    "=begin": "start",
    "=resume": "return",
    "=close": "closing",
    "=end": "end",
    "=pay": "deadline",
    "=order": "deadline",
}
#: Meanings of words by which a statement moves a day or drops it.
_MOVED = frozenset({"=delay", "=extend", "=advance", "=suspend", "=correct", "=reverse"})
#: Stems of words that outlets exchange for the people whom an event affects.
_PEOPLE = frozenset({"people", "customer", "patient", "user", "client", "subscriber", "member", "person"})
#: Numbers without a unit that are smaller than this are often equal by chance.
_TELLING = 20
#: Maximum characters between a number and the number that it replaces, in one clause.
_BETWEEN = 60
_BREAK = LazyPattern(r"[;.]\s")
_WORD = LazyPattern(r"[^\W\d_]+")
_DIGIT = LazyPattern(r"\d")


class Change(msgspec.Struct, frozen=True):
    """A value that replaces another."""

    kind: str
    label: str
    before: str
    after: str
    statement: Statement


class StoryValues:
    """The numbers and days that a story's articles state."""

    def __init__(self, story: Sequence[Reading]) -> None:
        statements = [statement for reading in story for statement in reading.statements]
        self.figures = [figure for statement in statements for figure in statement.figures]
        self.days = [(day, statement) for statement in statements for day in statement.days]

    def has_number(self, figure: Figure) -> bool:
        """Return whether the story has this number, perhaps rounded. A small number must also count the same thing."""
        return any(
            other.number.is_same(figure.number)
            and (bool(other.number.unit) or other.number.value >= _TELLING or counts_the_same(other, figure))
            for other in self.figures
        )

    def has_value(self, figure: Figure) -> bool:
        """Return whether the story has exactly this number, whatever it counts."""
        value = (figure.number.unit, figure.number.value)
        return any((other.number.unit, other.number.value) == value for other in self.figures)

    def has_day(self, day: dates.Day) -> bool:
        """Return whether the story has this day."""
        return any(other.agrees_with(day) for other, _ in self.days)


def counts_the_same(figure: Figure, other: Figure) -> bool:
    """Return whether two numbers certainly count the same thing, such as deaths or customers."""
    is_equal = figure.what == other.what != "" or {figure.what, other.what} <= _PEOPLE
    return is_equal and figure.number.unit == other.number.unit


def find_changes(values: StoryValues, reading: Reading) -> tuple[Change, ...]:
    """Return the changes, those in the headline first. Each new value occurs once."""
    by_label: dict[tuple[str, str], Change] = {}
    for statement in reading.statements[: _READ + 1]:
        if not reading.is_correction and statement.has("before" if statement.order else "recap"):
            # Skip "an earlier fine", which is about another event, and "How the fine went from 45 to 30", which is old.
            continue
        for change in (*_of_numbers(statement, values), *_of_days(statement, values, reading)):
            if all(change.after != other.after for other in by_label.values()):
                by_label.setdefault((change.kind, change.label), change)
    return tuple(by_label.values())


def _of_numbers(statement: Statement, values: StoryValues) -> Iterator[Change]:
    for figure in statement.figures:
        if values.has_number(figure) or values.has_value(figure) or figure.number.hedge == "most" or figure.is_part:
            continue
        replaced = _find_replaced(figure, statement, values)
        if replaced is not None:
            label = _label(figure) or _noun(replaced)
            yield Change("number", label, replaced.number.shown, figure.number.shown, statement)


def _find_replaced(figure: Figure, statement: Statement, values: StoryValues) -> Figure | None:
    """Return the number that ``figure`` replaces in its sentence ("£3m rather than £4m", "from 5 to 7"), or None."""
    for other in statement.figures:
        first, second = sorted((figure.number, other.number), key=lambda number: number.start)
        if first.unit != second.unit or first.value == second.value or not values.has_value(other):
            continue
        is_hedged = other.number.hedge in ("least", "most")
        if not _is_near(first, second, statement) or not _is_put_away(
            other.number.start, statement, is_hedged=is_hedged
        ):
            continue
        # In "16 cases, not 17, and no new ones", "not 17" belongs to the number before it.
        if (
            figure.number is first
            or other.noun
            or not any(_is_near(neighbour.number, first, statement) for neighbour in statement.figures)
        ):
            return other
    return None


def _is_near(first: Number, second: Number, statement: Statement) -> bool:
    gap = statement.plain[first.end : second.start]
    return first.end <= second.start and first.unit == second.unit and len(gap) <= _BETWEEN and not _BREAK.search(gap)


def _label(figure: Figure) -> str:
    """Return the label of a number, or "" if the thing that it counts is uncertain; the quoted sentence shows it."""
    if figure.what in _NAMES or not figure.noun:
        return _NAMES.get(figure.what, "")
    return _noun(figure)


def _noun(figure: Figure) -> str:
    return figure.noun.lower() if figure.noun.lower().endswith("s") else ""


def _of_days(statement: Statement, values: StoryValues, reading: Reading) -> Iterator[Change]:
    new = [day for day in statement.days if not values.has_day(day) and day.may_follow(statement.day)]
    finest = min(map(_grain, new), default=0)
    new = [day for day in new if _grain(day) == finest]
    if len(new) != 1:
        return
    (day,) = new
    is_moved = bool(_MOVED & statement.content) or statement.has("now")
    if finest and not (is_moved or statement.has("moved")):
        # "Sales from April to June" moves nothing.
        return
    known_days = [
        other for other in statement.days if _grain(other) == finest and not other.is_relative and values.has_day(other)
    ]
    old_days = [other for other in known_days if _is_put_away(other.start, statement)]
    # A span is not a move: "Use-by dates run from 6 May to 12 June".
    is_span = bool(known_days) and statement.has("span") and not statement.has("moved")
    if not old_days and is_moved and not known_days:
        old_days = _days_in_role(statement, values, reading, finest)
    if len(old_days) == 1 and not day.is_relative and not is_span:
        role = next((_ROLES[word] for word in _ROLES if word in statement.content), "date")
        days = old_days[0].shown(statement.day), day.shown(statement.day)
        yield Change("date", role, *days, statement)


def _days_in_role(statement: Statement, values: StoryValues, reading: Reading, grain: int) -> list[dates.Day]:
    """Return the coming days that the story has in the role of the statement, such as its deadlines.

    The list is empty if the article names one of them too, because it does not replace what it also contains.
    """
    roles = {_ROLES[word] for word in statement.content if word in _ROLES}
    named = [day for other in reading.statements for day in other.days]
    days: list[dates.Day] = []
    for day, stated in values.days:
        is_of_role = any(_ROLES.get(word) in roles for word in stated.content) and _grain(day) == grain
        # Two statements with different names are about different things.
        is_of_other = bool(statement.names and stated.names) and statement.names.isdisjoint(stated.names)
        if is_of_role and not is_of_other and day.may_follow(statement.day):
            days += [day] if not any(day.agrees_with(other) for other in days) else []
    return [] if any(day.agrees_with(other) for day in days for other in named) else days


def _grain(day: dates.Day) -> int:
    """Return 0 for a day, 1 for a month, 2 for a part of a year, or 3 for a year. A move keeps the grain."""
    return 0 if day.day else 1 if day.month else 2 if day.part else 3


def _is_put_away(at: int, statement: Statement, *, is_hedged: bool = False) -> bool:
    """Return whether a word like "not", "from" or "rather than" is right before a value, so that the value is replaced.

    If ``is_hedged``, the last word before the value belongs to a number, like "than" in "more than 20".
    """
    # Words before another number refer to that number: "from 60 to 30".
    preceding = _WORD.findall(_DIGIT.split(statement.plain[max(0, at - 30) : at])[-1])
    preceding = preceding[-3:-1] if is_hedged else preceding[-2:]
    return any(lexicon.of(statement.language).has("away", fold_word(word)) for word in preceding)


def is_another_count(values: StoryValues, figure: Figure) -> bool:
    """Return whether the figure counts a thing that the story counts too, with a different result.

    A lower toll usually comes from an older report.
    """
    is_named = figure.what in FATES | SUMS | _PEOPLE or _noun(figure) != ""
    same = [other for other in values.figures if counts_the_same(figure, other)] if is_named else []
    is_stated = any(other.number.is_same(replace(figure.number, unit=other.number.unit)) for other in values.figures)
    if not same or is_stated or figure.is_part or figure.number.hedge == "most" or figure.number.value <= 1:
        return False
    return figure.what not in FATES or figure.number.value > max(other.number.value for other in same)
