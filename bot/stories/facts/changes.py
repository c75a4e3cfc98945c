""" "A → B": a value in the place of another, where both stand in statements about the same thing.

Either the sentence itself says what it replaces ("moved from 30 November to 30 December", "eight dead, not nine") and
the story has that value, or a statement of the story about the same thing has another one. Anything less is no change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.stories.facts.claims import Stated, StoryClaims, weight
from bot.stories.facts.deadlines import MOVED, is_put_away
from bot.stories.facts.reading import FATES, Figure, Reading, Statement
from bot.text import dates
from bot.text.numbers import Number

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
#: From here on the same digits in another order are a slip: "2,900" for "2,090".
_SLIP = 100
_BREAK = re.compile(r"[;.]\s")


@dataclass(frozen=True, slots=True)
class Change:
    """One value in the place of another."""

    kind: str
    label: str
    before: str
    after: str
    statement: Statement
    #: The article itself puts the old value away; else a statement of the story is aligned with it.
    is_explicit: bool
    #: The sentence before, where that has the old value.
    corrected: Statement | None = None


def changes(claims: StoryClaims, reading: Reading) -> tuple[Change, ...]:
    """Each value once, the headline's first."""
    found: dict[tuple[str, str], Change] = {}
    said = [figure.number for statement in reading.statements for figure in statement.figures]
    shown = reading.statements[: _READ + 1]
    is_correction = reading.is_correction
    for before, statement in zip((None, *shown), shown, strict=False):
        if not is_correction and statement.has("before" if statement.order else "recap"):
            # "An earlier fine": another event's value; a headline "How the fine went from 45 to 30": no new one.
            continue
        wrong = _corrected(before, statement, is_correction=is_correction)
        for change in (*_of_numbers(statement, claims, said, wrong), *_of_days(statement, claims, reading, wrong)):
            if all(change.after != other.after for other in found.values()):
                found.setdefault((change.kind, change.label), change)
    return tuple(found.values())


def _corrected(before: Statement | None, statement: Statement, *, is_correction: bool) -> Statement | None:
    """The sentence before, where it may tell what this one corrects: in a correction, or one of swapped digits."""
    if before is None or is_correction:
        return before
    digits = [sorted(f"{each.number.value:.12g}") for each in statement.figures if each.number.value >= _SLIP]
    return before if any(sorted(f"{each.number.value:.12g}") in digits for each in before.figures) else None


def _of_numbers(
    statement: Statement, claims: StoryClaims, said: Sequence[Number], wrong: Statement | None
) -> Iterator[Change]:
    for figure in statement.figures:
        if claims.has_number(figure) or figure.number.hedge == "most" or figure.is_part:
            continue
        beside = _replaced_beside(figure, statement, claims)
        replaced = beside or _replaced_before(figure, statement, claims, wrong)
        number = replaced.number if replaced else _aligned(figure, statement, claims)
        # What the article says too is not replaced: "13,000 jobs, 6,700 of them by dismissal".
        if number is None or (replaced is None and any(number.is_same(other) for other in said)):
            continue
        label = _label(figure) or (_noun(replaced) if replaced else "")
        shown, is_explicit = (number.shown, figure.number.shown), replaced is not None
        corrected = wrong if replaced and not beside else None
        yield Change("number", label, *shown, statement, is_explicit, corrected)


def _replaced_beside(figure: Figure, statement: Statement, claims: StoryClaims) -> Figure | None:
    """The number that the same sentence puts away for this one: "£3.9m rather than £4.4m", "from 5 to 7"."""
    for other in statement.figures:
        one, two = sorted((figure.number, other.number), key=lambda each: each.start)
        if one.unit != two.unit or one.value == two.value or not claims.has_value(other):
            continue
        is_hedged = other.number.hedge in ("least", "most")
        if not _is_near(one, two, statement) or not is_put_away(other.number.start, statement, is_hedged=is_hedged):
            continue
        # "16 cases, not 17, and no new ones": what the number before it counts, not the one behind.
        if (
            figure.number is one
            or other.noun
            or not any(_is_near(each.number, one, statement) for each in statement.figures)
        ):
            return other
    return None


def _is_near(one: Number, two: Number, statement: Statement) -> bool:
    gap = statement.plain[one.end : two.start]
    return one.end <= two.start and one.unit == two.unit and len(gap) <= _BETWEEN and not _BREAK.search(gap)


def _replaced_before(
    figure: Figure, statement: Statement, claims: StoryClaims, wrong: Statement | None
) -> Figure | None:
    """The one number of the sentence before, for the only one here: "We gave the number as 450. It is 540."."""
    given = [each for each in wrong.figures if each.number.unit or each.number.value > 1] if wrong else []
    if figure.noun or len(statement.figures) > 1 or statement.days or len(given) != 1 or not claims.has_value(given[0]):
        return None
    return given[0] if given[0].number.unit == figure.number.unit else None


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
        if figure.what == number.unit and not stated.beside & figure.beside:
            # The price that was asked and what was paid.
            continue
        return number if _is_surely_of_the_same(figure, number) else None
    return None


def _is_surely_of_the_same(figure: Figure, number: Number) -> bool:
    """A toll that rises, a sum that is named (a fine), or a rising count of something that is named."""
    if figure.what in FATES:
        return figure.number.value > number.value and float(number.value).is_integer()
    # Half, or twice, as much is more often a part of it than its new value.
    is_of_a_size = 0.4 <= figure.number.value / (number.value or 1) <= 2.5
    return is_of_a_size and (figure.what in _NAMES or (bool(_noun(figure)) and figure.number.value > number.value))


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
    return _noun(figure)


def _noun(figure: Figure) -> str:
    return figure.noun.lower() if figure.noun.lower().endswith("s") else ""


def _of_days(statement: Statement, claims: StoryClaims, reading: Reading, wrong: Statement | None) -> Iterator[Change]:
    new = [day for day in statement.days if day.day and not claims.has_day(day) and day.may_follow(statement.day)]
    if len(new) != 1:
        return
    (day,) = new
    known = [other for other in statement.days if other.day and not other.is_relative and claims.has_day(other)]
    old = [other for other in known if is_put_away(other.start, statement)]
    if wrong is not None and not statement.words and not known:
        # "We gave the day as 26 October. It is 28 October."
        old = [other for other in wrong.days if other.day and not other.is_relative and claims.has_day(other)]
    # "Use-by dates run from 6 May to 12 June" moves nothing.
    is_span = bool(known) and statement.has("span") and not statement.has("moved")
    if len(old) == 1 and not day.is_relative and not is_span:
        yield _moved(old[0], day, statement, is_explicit=True, corrected=None if known else wrong)
        return
    named = [other for each in reading.statements for other in each.days]
    for stated in reversed(claims.stated):
        before = stated.day
        if before is None or before.day is None or any(before.agrees_with(other) for other in named):
            continue
        roles = {word for word in statement.content & stated.words if word in ROLES}
        is_moved = bool(MOVED & statement.content) or statement.has("now")
        if is_moved and roles and before.may_follow(statement.day) and _is_about_the_same(statement, stated):
            yield _moved(before, day, statement)
            return


def _moved(
    before: dates.Day,
    after: dates.Day,
    statement: Statement,
    *,
    is_explicit: bool = False,
    corrected: Statement | None = None,
) -> Change:
    days = before.shown(statement.day), after.shown(statement.day)
    return Change("date", role(corrected or statement), *days, statement, is_explicit, corrected)


def role(statement: Statement) -> str:
    """What the days of a statement are for."""
    return next((ROLES[word] for word in ROLES if word in statement.content), "date")
