""" "A → B": a value in the place of another, where both stand in statements about the same thing.

Either the sentence itself says what it replaces ("moved from 30 November to 30 December", "eight dead, not nine") and
the story has that value, or a statement of the story about the same thing has another one. Anything less is no change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.facts.claims import Stated, StoryClaims
from bot.facts.deadlines import MOVED, is_put_away
from bot.facts.evidence import has_value, is_known, is_known_day, weight
from bot.facts.reading import FATES, Figure, Reading, Statement
from bot.language import dates
from bot.language.numbers import Number

#: The headline and so many sentences are read for changes.
_READ = 4
#: Weight of common words from which on two statements are about the same thing, and their share of the lighter one.
_SAME_WEIGHT, _SAME_SHARE = 8.0, 0.3
#: The share where it is not known what a sum or a percentage is of.
_SURE_SHARE = 0.5
#: What a number of a meaning is called; others are called by the noun behind them.
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
#: What a day of a meaning is called.
ROLES = {
    "=deadline": "deadline",
    "=hearing": "hearing",
    "=vote": "vote",
    "=strike": "strike",
    "=begin": "start",
    "=resume": "return",
    "=end": "end",
    "=close": "end",
    "=pay": "deadline",
    "=order": "deadline",
}
#: Characters between a number and the one that it replaces, in one clause.
_BETWEEN = 60
_BREAK = re.compile(r"[;.]\s")


@dataclass(frozen=True, slots=True)
class Change:
    """One value in the place of another."""

    kind: str
    label: str
    before: str
    after: str
    statement: Statement
    #: The sentence itself puts the old value away; else a statement of the story is aligned with it.
    is_explicit: bool


def changes(claims: StoryClaims, reading: Reading) -> tuple[Change, ...]:
    """Each value once, the headline's first."""
    found: dict[tuple[str, str], Change] = {}
    said = [figure.number for statement in reading.statements for figure in statement.figures]
    for statement in reading.statements[: _READ + 1]:
        if statement.has("before") and statement.order:
            # "An earlier fine", "last year": another event's value.
            continue
        for change in (*_of_numbers(statement, claims, said), *_of_days(statement, claims, reading)):
            if all(change.after != other.after for other in found.values()):
                found.setdefault((change.kind, change.label), change)
    return tuple(found.values())


def _of_numbers(statement: Statement, claims: StoryClaims, said: Sequence[Number]) -> Iterator[Change]:
    for figure in statement.figures:
        if is_known(figure, claims) or figure.number.hedge == "most" or figure.is_part:
            continue
        replaced = _replaced_beside(figure, statement, claims)
        number = replaced.number if replaced else _aligned(figure, statement, claims)
        # What the article says too is not replaced: "13,000 jobs, 6,700 of them by dismissal".
        if number is None or (replaced is None and any(number.is_same(other) for other in said)):
            continue
        is_explicit = replaced is not None
        yield Change("number", _label(figure), number.shown, figure.number.shown, statement, is_explicit)


def _replaced_beside(figure: Figure, statement: Statement, claims: StoryClaims) -> Figure | None:
    """The number that the same sentence puts away for this one: "£3.9m rather than £4.4m", "from 5 to 7"."""
    for other in statement.figures:
        one, two = sorted((figure.number, other.number), key=lambda each: each.start)
        if one.unit != two.unit or one.value == two.value or not has_value(other, claims):
            continue
        if figure.number is two and figure.number.value <= 1 and not two.unit:
            continue  # "16 cases, not 17, and no new ones"
        gap = statement.plain[one.end : two.start]
        is_near = len(gap) <= _BETWEEN and not _BREAK.search(gap)
        is_hedged = other.number.hedge in ("least", "most")
        if is_near and is_put_away(other.number.start, statement, is_hedged=is_hedged):
            return other
    return None


def _aligned(figure: Figure, statement: Statement, claims: StoryClaims) -> Number | None:
    """The newest number of the story that counts the same thing in a statement about the same thing."""
    if not figure.what or (figure.number.value <= 1 and not figure.number.unit):
        return None
    for stated in reversed(claims.stated):
        number = stated.number
        if number is None or number.unit != figure.number.unit or stated.what != figure.what:
            continue
        share = _SURE_SHARE if figure.what == number.unit else _SAME_SHARE
        if number.hedge == "most" or not _is_about_the_same(statement, stated, share):
            continue
        # Half, or twice, as many of something is more often a part of it than its new number.
        is_of_a_size = 0.4 <= figure.number.value / (number.value or 1) <= 2.5
        is_toll = figure.what in FATES and figure.number.value > number.value
        return number if is_of_a_size or is_toll else None
    return None


def _is_about_the_same(statement: Statement, stated: Stated, share: float = _SAME_SHARE) -> bool:
    if statement.language != stated.language:
        # Across languages only meanings and names can be common: both must be.
        return bool(statement.names & stated.names) and any(word[0] == "=" for word in statement.content & stated.words)
    if statement.names and stated.names and not statement.names & stated.names:
        return False
    common = weight(statement.content & stated.words)
    lighter = min(weight(statement.content), weight(stated.words)) or 1.0
    return common >= _SAME_WEIGHT and common >= share * lighter


def _label(figure: Figure) -> str:
    """Nothing where it is not sure what is counted: the sentence says it."""
    if figure.what in _NAMES or not figure.noun:
        return _NAMES.get(figure.what, "")
    return figure.noun.lower() if figure.noun.lower().endswith("s") else ""


def _of_days(statement: Statement, claims: StoryClaims, reading: Reading) -> Iterator[Change]:
    new = [day for day in statement.days if day.day and not is_known_day(day, claims) and day.may_follow(statement.day)]
    if len(new) != 1:
        return
    (day,) = new
    known = [other for other in statement.days if other.day and not other.is_relative and is_known_day(other, claims)]
    old = [other for other in known if is_put_away(other.start, statement)]
    if len(old) == 1 and not day.is_relative:
        yield _moved(old[0], day, statement, is_explicit=True)
        return
    named = [other for each in reading.statements for other in each.days]
    for stated in reversed(claims.stated):
        before = stated.day
        if before is None or before.day is None or any(before.agrees_with(other) for other in named):
            continue
        roles = {word for word in statement.content & stated.words if word in ROLES}
        is_moved = bool(MOVED & statement.content) or statement.has("now")
        if is_moved and roles and before.may_follow(statement.day) and _is_about_the_same(statement, stated):
            yield _moved(before, day, statement, is_explicit=False)
            return


def _moved(before: dates.Day, after: dates.Day, statement: Statement, *, is_explicit: bool) -> Change:
    days = before.shown(statement.day), after.shown(statement.day)
    return Change("date", role(statement), *days, statement, is_explicit)


def role(statement: Statement) -> str:
    """What the days of a statement are for."""
    return next((ROLES[word] for word in ROLES if word in statement.content), "date")
