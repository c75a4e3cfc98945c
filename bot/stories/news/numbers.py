"""Numbers that changed (dead, arrested, companies affected, fine …), and weighty ones not said before.

A number is compared only with a number of the same thing; rounded, converted, spelled out or repeated it is not news.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from bot.stories.news import things
from bot.stories.news.claims import Found
from bot.stories.news.past import is_background
from bot.stories.news.quantities import Quantity, quantities
from bot.stories.news.statements import Statement

#: Sums and shares of one kind are many in an article; only a change that is called one counts.
_CHANGED = re.compile(
    r"\b(?:rais\w+|rose|risen|rising|increas\w+|lift\w+|cut|cuts|lower\w*|reduc\w+|fell|fallen|drop\w+|climb\w*|jump\w*|grew|grown"
    r"|revis\w+|now|sweeten\w*|up to|more than doubled|doubled|widen\w*|instead|higher)\b",
    re.IGNORECASE,
)
#: Sentences in which an article gives its news.
_READ = 6
#: What is counted up while a story lasts: fewer is an older figure or one of a part, unless it is called a revision.
_COUNTED_UP = frozenset({"deaths", "injured", "infected", "evacuated", "rescued", "arrested"})
_REVISED = re.compile(
    r"\b(?:revis\w+|correct\w+|lower\w*|reduc\w+|down(?:ward)?|overcount\w*|miscount\w*)\b", re.IGNORECASE
)
#: From one report to the next a toll grows by no more than this; beyond it the two count different things (a town, the
#: world). The first reports of an earthquake grow faster, up to a few thousand.
_MOST_GROWTH, _ALWAYS_PLAUSIBLE = 10, 3000
#: Up to so many were told one by one: «a couple and their son», «shot his wife and himself».
_FEW = 4
#: Up to so many, the same number of people twice is the same people: «5 people shot», «5 injured».
_SAME_PEOPLE = 10
#: «no injuries», «nobody was hurt»
_NONE = re.compile(r"\b(?:no|not|nobody|without|never|\w+n't)\b(?:\W+\w+){0,3}\W*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Counted:
    quantity: Quantity
    statement: Statement


def news(said: Sequence[Sequence[Statement]], fresh: Sequence[Statement]) -> list[Found]:
    old = [
        _Counted(one, statement)
        for statement in chain.from_iterable(said)
        for one in quantities(statement.plain, statement.language)
    ]
    found: list[Found] = []
    settled: set[str] = set()
    news_of_old = {
        (each.key, each.value)
        for statement in fresh
        for each in quantities(statement.plain, statement.language)
        if each.is_past
    }
    for new in _counted(fresh):
        key = new.quantity.key
        # Only the first number that an article gives of a thing is its figure: later ones are of its parts.
        if key is None or key in settled or new.quantity.is_past:
            continue
        # «The mountain that killed a thousand … in 1963»: the headline of a look back.
        if (key, new.quantity.value) in news_of_old:
            continue
        settled.add(key)
        if any(_is_known(new.quantity, one.quantity) for one in old):
            continue
        if new.statement.order > _READ:
            continue
        before = _before(new, old)
        if before is None and not _is_first_news(new, old, said):
            continue
        if before is not None and not _may_follow(before, new):
            continue
        found.append(
            Found(
                kind="number",
                label=new.quantity.label,
                before=before.shown if before else None,
                after=new.quantity.shown,
                statement=new.statement,
            )
        )
    return found


def _counted(fresh: Sequence[Statement]) -> Iterator[_Counted]:
    for statement in fresh:
        if is_background(statement):
            continue
        for one in quantities(statement.plain, statement.language):
            yield _Counted(one, statement)


def _is_known(new: Quantity, old: Quantity) -> bool:
    """The story gave this number of this thing, or so large a number that it can be of nothing else."""
    if new.key == old.key:
        return new.is_same_value(old)
    return new.value == old.value and (new.value >= 100 or new.thing == old.thing) and new.unit == old.unit


def _before(new: _Counted, old: Sequence[_Counted]) -> Quantity | None:
    """The story's last figure of the same thing in the same matter."""
    alike = [one for one in old if one.quantity.key == new.quantity.key and not one.quantity.is_past]
    if new.quantity.is_wide:
        alike = [one for one in alike if one.quantity.is_wide]
    if not (new.quantity.is_weighty and new.statement.is_prominent):
        alike = [one for one in alike if _same_matter(one, new)]
    if not alike:
        return None
    if new.quantity.label in _COUNTED_UP:
        return max((one.quantity for one in alike), key=lambda quantity: quantity.value)
    return alike[-1].quantity


def _is_first_news(new: _Counted, old: Sequence[_Counted], said: Sequence[Sequence[Statement]]) -> bool:
    """A figure that the story lacked is news when it weighs, and the story has not told as much in other words."""
    quantity = new.quantity
    if not (quantity.is_weighty and new.statement.is_prominent) or quantity.is_aside:
        return False
    if new.statement.order and quantity.is_wide:
        return False
    if any(one.quantity.thing == quantity.thing for one in old):
        return False
    if quantity.label not in things.CASUALTIES:
        return quantity.value != 1 or bool(quantity.unit) or not _speaks_of(said, quantity.label)
    if quantity.value <= _SAME_PEOPLE and any(_may_be_people(one.quantity, quantity.value) for one in old):
        return False
    return quantity.value > _FEW or not _speaks_of(said, quantity.label)


def _may_be_people(old: Quantity, value: float) -> bool:
    is_of_people = old.thing is None or old.thing in things.PEOPLE or old.label in things.CASUALTIES
    return old.value == value and not old.unit and is_of_people


def _speaks_of(said: Sequence[Sequence[Statement]], fate: str) -> bool:
    pattern = dict(things.FATES).get(fate)
    return pattern is not None and any(
        not _NONE.search(statement.plain[: found.start()])
        for statement in chain.from_iterable(said)
        for found in pattern.finditer(statement.plain)
    )


def _may_follow(before: Quantity, new: _Counted) -> bool:
    """The figure can be the next one of the same count."""
    if any(one.key == new.quantity.key and one.value == before.value and not one.is_past for one in _beside(new)):
        # «221 million in the world, 40 million of them here»: the old figure holds still.
        return False
    if new.quantity.label not in _COUNTED_UP:
        return True
    value = new.quantity.value
    if value < before.value:
        return bool(_REVISED.search(new.statement.plain))
    return value <= max(_ALWAYS_PLAUSIBLE, _MOST_GROWTH * before.value)


def _beside(counted: _Counted) -> Sequence[Quantity]:
    """The other numbers of its sentence."""
    found = quantities(counted.statement.plain, counted.statement.language)
    return [one for one in found if one != counted.quantity]


def _same_matter(one: _Counted, other: _Counted) -> bool:
    shared = (one.statement.stems & other.statement.stems) - {one.quantity.thing}
    shared = frozenset(stem for stem in shared if not stem[0].isdigit())
    smaller = min(len(one.statement.stems), len(other.statement.stems)) or 1
    # Small numbers count many things; a sentence about the same one shares more of its words.
    needed = 0.25 if min(one.quantity.value, other.quantity.value) >= 20 else 0.5
    if len(shared) < 2 or len(shared) / smaller < needed:
        return False
    here, there = one.quantity.places, other.quantity.places
    if one.quantity.unit and not _CHANGED.search(other.statement.plain):
        return False
    return not (here and there) or bool(here & there)
