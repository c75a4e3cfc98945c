"""Find changes ("A → B"): a value that replaces another in statements about the same thing.

Either the sentence itself names the value that it replaces ("moved from 30 November to 30 December", "eight dead, not
nine") and the story has that value, or a statement of the story about the same thing has a different value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.stories.facts.claims import Stated, StoryClaims, weight
from bot.stories.facts.reading import FATES, Figure, Reading, Statement
from bot.text import dates, lexicon
from bot.text.numbers import Number
from bot.text.words import fold

#: Number of sentences after the headline in which changes are sought.
_READ = 4
#: Two statements are about the same thing if the weight of their common words is at least _SAME_WEIGHT, and at least
#: _SAME_SHARE of the lighter statement's weight.
_SAME_WEIGHT, _SAME_SHARE = 8.0, 0.3
#: Replaces _SAME_SHARE for a sum or a percentage of an unknown thing.
_SURE_SHARE = 0.5
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
#: Stems of words that outlets exchange for the people whom an event affects.
_PEOPLE = frozenset({"people", "customer", "patient", "user", "client", "subscriber", "member", "person"})
#: Meaning -> label of its days.
ROLES = {
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
#: Maximum characters between a number and the number that it replaces, in one clause.
_BETWEEN = 60
#: In numbers of at least this value, the same digits in another order are a typing error: "2,900" for "2,090".
_SLIP = 100
_BREAK = re.compile(r"[;.]\s")
#: Meanings of words by which a statement moves a day or drops it.
_MOVED = frozenset({"=delay", "=extend", "=advance", "=suspend", "=correct", "=reverse"})
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Change:
    """A value that replaces another."""

    kind: str
    label: str
    before: str
    after: str
    statement: Statement
    #: Whether the article itself contains the old value. Otherwise, a similar statement of the story does.
    is_explicit: bool
    #: The preceding sentence, if it has the old value.
    corrected: Statement | None = None


def changes(claims: StoryClaims, reading: Reading) -> tuple[Change, ...]:
    """Return the changes, those in the headline first. Each new value occurs once."""
    by_label: dict[tuple[str, str], Change] = {}
    numbers = [figure.number for statement in reading.statements for figure in statement.figures]
    shown = reading.statements[: _READ + 1]
    is_correction = reading.is_correction
    for preceding, statement in zip((None, *shown), shown, strict=False):
        if not is_correction and statement.has("before" if statement.order else "recap"):
            # Skip "an earlier fine", which is about another event, and "How the fine went from 45 to 30", which is old.
            continue
        wrong = _corrected(preceding, statement, is_correction=is_correction)
        for change in (*_of_numbers(statement, claims, numbers, wrong), *_of_days(statement, claims, reading, wrong)):
            if all(change.after != other.after for other in by_label.values()):
                by_label.setdefault((change.kind, change.label), change)
    return tuple(by_label.values())


def _corrected(preceding: Statement | None, statement: Statement, *, is_correction: bool) -> Statement | None:
    """Return the preceding sentence, or None if ``statement`` cannot correct it.

    A sentence can correct it if the article is a correction, or if both have a number with the same digits (531, 513).
    """
    if preceding is None or is_correction:
        return preceding
    digits = [sorted(f"{figure.number.value:.12g}") for figure in statement.figures if figure.number.value >= _SLIP]
    return preceding if any(sorted(f"{figure.number.value:.12g}") in digits for figure in preceding.figures) else None


def _of_numbers(
    statement: Statement, claims: StoryClaims, numbers: Sequence[Number], wrong: Statement | None
) -> Iterator[Change]:
    for figure in statement.figures:
        if claims.has_number(figure) or figure.number.hedge == "most" or figure.is_part:
            continue
        beside = _replaced_beside(figure, statement, claims)
        replaced = beside or _replaced_before(figure, statement, claims, wrong)
        number = replaced.number if replaced else _aligned(figure, statement, claims)
        # The article does not replace a value that it also contains: "13,000 jobs, 6,700 of them by dismissal".
        if number is None or (replaced is None and any(number.is_same(other) for other in numbers)):
            continue
        label = _label(figure) or (_noun(replaced) if replaced else "")
        shown, is_explicit = (number.shown, figure.number.shown), replaced is not None
        corrected = wrong if replaced and not beside else None
        yield Change("number", label, *shown, statement, is_explicit, corrected)


def _replaced_beside(figure: Figure, statement: Statement, claims: StoryClaims) -> Figure | None:
    """Return the number that ``figure`` replaces in its sentence ("£3m rather than £4m", "from 5 to 7"), or None."""
    for other in statement.figures:
        first, second = sorted((figure.number, other.number), key=lambda number: number.start)
        if first.unit != second.unit or first.value == second.value or not claims.has_value(other):
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


def _replaced_before(
    figure: Figure, statement: Statement, claims: StoryClaims, wrong: Statement | None
) -> Figure | None:
    """Return the only number of the preceding sentence if ``figure`` is the only number of its sentence, or None.

    Example: "We gave the number as 450. It is 540."
    """
    figures = (
        [candidate for candidate in wrong.figures if candidate.number.unit or candidate.number.value > 1]
        if wrong
        else []
    )
    if (
        figure.noun
        or len(statement.figures) > 1
        or statement.days
        or len(figures) != 1
        or not claims.has_value(figures[0])
    ):
        return None
    return figures[0] if figures[0].number.unit == figure.number.unit else None


def _aligned(figure: Figure, statement: Statement, claims: StoryClaims) -> Number | None:
    """Return the story's newest number that counts the same thing in a statement about the same thing, or None."""
    if not figure.what or (figure.number.value <= 1 and not figure.number.unit):
        return None
    for stated in reversed(claims.stated):
        number = stated.number
        are_people = {stated.what, figure.what} <= _PEOPLE
        if number is None or number.unit != figure.number.unit or not (stated.what == figure.what or are_people):
            continue
        share = _SURE_SHARE if are_people or figure.what == number.unit else _SAME_SHARE
        if number.hedge == "most" or not _is_about_the_same(statement, stated, share):
            continue
        if (are_people or figure.what == number.unit) and not stated.beside & figure.beside:
            # The two sums may be of different things, like the asking price and the price paid.
            continue
        return number if _is_surely_of_the_same(figure, number) else None
    return None


def _is_surely_of_the_same(figure: Figure, number: Number) -> bool:
    """Return whether the figure is certainly a new value of the number.

    A higher toll, a sum of a known kind such as a fine, and a higher count of a named thing are certain.
    """
    if figure.what in FATES:
        return figure.number.value > number.value and float(number.value).is_integer()
    # A much smaller or larger number is more often a part or a total than a new value.
    is_counted = bool(_noun(figure)) or figure.what in _PEOPLE
    is_of_a_size = 0.4 <= figure.number.value / (number.value or 1) <= 2.5
    return is_of_a_size and (figure.what in _NAMES or (is_counted and figure.number.value > number.value))


def _is_about_the_same(statement: Statement, stated: Stated, share: float = _SAME_SHARE) -> bool:
    if statement.language != stated.language:
        # Statements in two languages can only have meanings and names in common, so both are required.
        return bool(statement.names & stated.names) and any(word[0] == "=" for word in statement.content & stated.words)
    if _have_other_names(statement, stated):
        return False
    common = weight(statement.content & stated.words)
    lighter = min(weight(statement.content), weight(stated.words)) or 1.0
    return common >= _SAME_WEIGHT and common >= share * lighter


def _have_other_names(statement: Statement, stated: Stated) -> bool:
    return bool(statement.names and stated.names) and not statement.names & stated.names


def _label(figure: Figure) -> str:
    """Return the label of a number, or "" if the thing that it counts is uncertain; the quoted sentence shows it."""
    if figure.what in _NAMES or not figure.noun:
        return _NAMES.get(figure.what, "")
    return _noun(figure)


def _noun(figure: Figure) -> str:
    return figure.noun.lower() if figure.noun.lower().endswith("s") else ""


def _of_days(statement: Statement, claims: StoryClaims, reading: Reading, wrong: Statement | None) -> Iterator[Change]:
    new = [day for day in statement.days if not claims.has_day(day) and day.may_follow(statement.day)]
    finest = min(map(_grain, new), default=0)
    new = [day for day in new if _grain(day) == finest]
    if len(new) != 1:
        return
    (day,) = new
    is_moved = bool(_MOVED & statement.content)
    if finest and not (is_moved or statement.has("moved") or statement.has("now")):
        # "Sales from April to June" moves nothing.
        return
    known_days = [
        other for other in statement.days if _grain(other) == finest and not other.is_relative and claims.has_day(other)
    ]
    old_days = [other for other in known_days if _is_put_away(other.start, statement)]
    if wrong is not None and not statement.words and not known_days:
        # Example: "We gave the day as 26 October. It is 28 October."
        old_days = [other for other in wrong.days if other.day and not other.is_relative and claims.has_day(other)]
    # A span is not a move: "Use-by dates run from 6 May to 12 June".
    is_span = bool(known_days) and statement.has("span") and not statement.has("moved")
    if len(old_days) == 1 and not day.is_relative and not is_span:
        yield _moved(old_days[0], day, statement, is_explicit=True, corrected=None if known_days else wrong)
        return
    named = [other for other_statement in reading.statements for other in other_statement.days]
    for stated in reversed(claims.stated):
        old_day = stated.day
        if old_day is None or _grain(old_day) != finest or any(old_day.agrees_with(other) for other in named):
            continue
        roles = {word for word in statement.content & stated.words if word in ROLES}
        # Two parts of a year in one role ("to close in early 2027") are rarely of two things in one story.
        is_same = _is_about_the_same(statement, stated) or (bool(day.part) and not _have_other_names(statement, stated))
        if (is_moved or statement.has("now")) and roles and old_day.may_follow(statement.day) and is_same:
            yield _moved(old_day, day, statement)
            return


def _grain(day: dates.Day) -> int:
    """Return 0 for a day, 1 for a month, 2 for a part of a year, or 3 for a year. A move keeps the grain."""
    return 0 if day.day else 1 if day.month else 2 if day.part else 3


def _moved(
    old_day: dates.Day,
    new_day: dates.Day,
    statement: Statement,
    *,
    is_explicit: bool = False,
    corrected: Statement | None = None,
) -> Change:
    days = old_day.shown(statement.day), new_day.shown(statement.day)
    return Change("date", role(corrected or statement), *days, statement, is_explicit, corrected)


def role(statement: Statement) -> str:
    """Return the label for the days of a statement."""
    return next((ROLES[word] for word in ROLES if word in statement.content), "date")


def _is_put_away(at: int, statement: Statement, *, is_hedged: bool = False) -> bool:
    """Return whether a word like "not", "from" or "rather than" is right before a value, so that the value is replaced.

    If ``is_hedged``, the last word before the value belongs to a number, like "than" in "more than 20".
    """
    # Words before another number refer to that number: "from 60 to 30".
    preceding = _WORD.findall(_DIGIT.split(statement.plain[max(0, at - 30) : at])[-1])
    preceding = preceding[-3:-1] if is_hedged else preceding[-2:]
    return any(lexicon.of(statement.language).has("away", fold(word)) for word in preceding)
