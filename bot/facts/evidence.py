"""How new an article is in its story, as numbers: what the decision to speak is made on.

Each feature is about form (how much is new, which kinds, when, in which place), never about a subject.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from bot.facts.claims import Stated, StoryClaims
from bot.facts.reading import Figure, Reading, Statement
from bot.language import background, dates

#: Sentences that are weighed beside the headline.
LEAD = 3
#: As many documents as the background table speaks for.
_DOCUMENTS = 2000
#: A meaning of the lexicon weighs as a fairly common word does.
_MEANING, _HEAVIEST = 2.5, 8.0
#: From here on a bare number is seldom the same by chance.
_TELLING = 20
_MEASURES = ("novelty", "share", "apart", "figures", "repeated", "names", "meanings", "days", "coming")
_TABLES = ("not", "may", "now", "from", "before", "recap")
_REST = (
    "hours_last hours_first hours_news count sentences length language_known question colon all_share subject"
    " subject_in_title known_names title_length replaces same_thing corrects updates shared story_length"
).split()
#: Against the nearest other stories of the rule: news that one of them has is no news, and an article that says more of
#: theirs than of this story's may be theirs.
_BESIDE = (
    "title_apart_beside lead_apart_beside figures_beside figures_nowhere days_beside new_beside nearer_beside sure"
).split()  #: The order of a vector of evidence.
FEATURES = tuple(
    [f"{place}_{measure}" for place in ("title", "lead") for measure in _MEASURES]
    + [f"{place}_{table}" for place in ("title", "lead") for table in _TABLES]
    + _REST
    + _BESIDE
)
#: The newest statements of another story that are compared.
_LATEST = 40
_UPDATES = re.compile(r"\b(?:update[ds]?|updates?|resolved|latest|amended|revised)\b", re.IGNORECASE)


def evidence(
    claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims] = (), sure: float = 1.0
) -> tuple[float, ...]:
    """A vector in the order of ``FEATURES``.

    ``beside``: what the nearest other stories of the rule have said; ``sure``: the probability that the article tells
    this story's event.
    """
    title, body = reading.title, reading.body
    lead = [_measures(statement, claims) for statement in body[:LEAD]]
    found = [*_measures(title, claims)] if title else [0.0] * len(_MEASURES)
    found += [max(column, default=0.0) for column in zip(*lead, strict=True)] or [0.0] * len(_MEASURES)
    found += [float(title is not None and title.has(table)) for table in _TABLES]
    found += [float(sum(statement.has(table) for statement in body[:2])) for table in _TABLES]
    return (*found, *_rest(claims, reading), *_held_beside(claims, reading, beside), sure)


def weight(words: Iterable[str]) -> float:
    """Rare words say more."""
    return sum(map(_weight, words))


@lru_cache(maxsize=1 << 15)
def _weight(word: str) -> float:
    if word.startswith("="):
        return _MEANING
    rate = background.table().rates.get(word, 0.0)
    return min(_HEAVIEST, math.log((_DOCUMENTS + 1) / (rate * _DOCUMENTS + 0.5)))


def is_known(figure: Figure, claims: StoryClaims) -> bool:
    """The story gave this number, rounded or not; a small bare one counts only beside a common word."""
    return any(_is_same(figure, stated) for stated in claims.stated)


def _is_same(figure: Figure, stated: Stated) -> bool:
    number = stated.number
    if number is None or not number.is_same(figure.number):
        return False
    return bool(number.unit) or number.value >= _TELLING or bool(stated.beside & figure.beside)


def has_value(figure: Figure, claims: StoryClaims) -> bool:
    """The story gave this very number, of whatever."""
    given = (stated.number for stated in claims.stated)
    return any(each and (each.unit, each.value) == (figure.number.unit, figure.number.value) for each in given)


def is_known_day(day: dates.Day, claims: StoryClaims) -> bool:
    """Whether the story has stated this day."""
    return any(stated.day is not None and stated.day.agrees_with(day) for stated in claims.stated)


def _measures(statement: Statement, claims: StoryClaims) -> tuple[float, ...]:
    content = statement.content
    new = [word for word in content if word not in claims.words]
    whole, gain = weight(content) or 1.0, weight(new)
    known = [is_known(figure, claims) for figure in statement.figures]
    days = [day for day in statement.days if not is_known_day(day, claims)]
    return (
        gain,
        gain / whole,
        _apart(statement, claims),
        known.count(False),
        known.count(True),
        sum(1 for name in statement.names if name not in claims.names and name not in claims.words),
        sum(1 for word in new if word.startswith("=")),
        len(days),
        sum(1 for day in days if day.day and day.begins() > statement.day),
    )


def _apart(statement: Statement, claims: StoryClaims) -> float:
    """Share of its weight that the nearest statement of the story in its language lacks."""
    return _lacking(statement, claims.statements)


def _lacking(statement: Statement, statements: Iterable[tuple[frozenset[str], str]]) -> float:
    content = statement.content
    alike = [weight(content & other) for other, language in statements if language == statement.language]
    return 1 - max(alike, default=0.0) / (weight(content) or 1.0)


def apart(statement: Statement, claims: StoryClaims) -> float:
    """The same for people: a sentence with a value that the story lacks is never the known one."""
    if any(not is_known(figure, claims) for figure in statement.figures):
        return 1.0
    if any(not is_known_day(day, claims) for day in statement.days):
        return 1.0
    return _apart(statement, claims)


def _hours(later: datetime, earlier: datetime | None) -> float:
    return math.log1p(max(0.0, (later - earlier).total_seconds() / 3600)) if earlier else 0.0


def _rest(claims: StoryClaims, reading: Reading) -> tuple[float, ...]:
    title, statements = reading.title, reading.statements
    said = frozenset(word for statement in statements for word in statement.words)
    names = frozenset(name for statement in statements for name in statement.names)
    about = [name for name, count in claims.subject.items() if count >= max(1, 0.4 * claims.count)]
    prominent = statements[: 1 + LEAD]
    top = frozenset(word for statement in prominent for word in statement.words)
    return (
        _hours(reading.at, claims.last_at),
        _hours(reading.at, claims.first_at),
        _hours(reading.at, claims.news_at),
        math.log1p(claims.count),
        len(reading.body),
        math.log1p(sum(len(statement.words) for statement in reading.body)),
        float(reading.language in claims.languages),
        float(title is not None and "?" in title.text),
        float(title is not None and ":" in title.text),
        weight(word for word in said if word not in claims.words) / (weight(said) or 1.0),
        sum(1 for name in about if name in names or name in said) / (len(about) or 1),
        float(sum(1 for name in about if title and (name in title.names or name in title.words))),
        sum(1 for name in names if name in claims.names) / (len(names) or 1),
        len(title.words) if title else 0,
        sum(replaces(statement, claims) for statement in prominent),
        sum(_same_thing(figure, claims) for statement in prominent for figure in statement.figures),
        float(any("=correct" in statement.words for statement in statements[:2])),
        float(title is not None and _UPDATES.search(title.text) is not None),
        weight(word for word in top if word in claims.words) / (weight(top) or 1.0),
        math.log1p(len(claims.words)),
    )


def _held_beside(claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims]) -> tuple[float, ...]:
    prominent = reading.statements[: 1 + LEAD]
    apart_from = [
        min((_lacking(statement, other.statements[-_LATEST:]) for other in beside), default=1.0)
        for statement in prominent
    ]
    has_title = reading.title is not None
    figures = [figure for each in prominent for figure in each.figures if not is_known(figure, claims)]
    days = [day for each in prominent for day in each.days if not is_known_day(day, claims)]
    held = sum(1 for figure in figures if any(is_known(figure, other) for other in beside))
    said = frozenset(word for each in prominent for word in each.words)
    new = [word for word in said if word not in claims.words]
    in_new = [weight(word for word in new if word in other.words) for other in beside]
    in_all = [weight(word for word in said if word in other.words) for other in beside]
    mine = weight(word for word in said if word in claims.words)
    return (
        apart_from[0] if has_title else 1.0,
        min(apart_from[has_title:], default=1.0),
        held,
        len(figures) - held,
        sum(1 for day in days if any(is_known_day(day, other) for other in beside)),
        max(in_new, default=0.0) / (weight(new) or 1.0),
        (max(in_all, default=0.0) - mine) / (weight(said) or 1.0),
    )


def replaces(statement: Statement, claims: StoryClaims) -> bool:
    """It holds a known value and an unknown one of a kind, and a word that puts one in the place of the other."""
    if not (statement.has("from") or statement.has("now")):
        return False
    known = {figure.number.unit for figure in statement.figures if has_value(figure, claims)}
    new = {figure.number.unit for figure in statement.figures if not is_known(figure, claims)}
    days = [is_known_day(day, claims) for day in statement.days]
    return bool(known & new) or (True in days and False in days)


def _same_thing(figure: Figure, claims: StoryClaims) -> bool:
    """The story has another number beside the same words."""
    if is_known(figure, claims):
        return False
    return any(
        stated.number is not None
        and stated.number.unit == figure.number.unit
        and len(stated.beside & figure.beside) >= 2
        for stated in claims.stated
    )


def named(vector: Sequence[float]) -> dict[str, float]:
    """For people who read why it spoke."""
    return dict(zip(FEATURES, vector, strict=True))
