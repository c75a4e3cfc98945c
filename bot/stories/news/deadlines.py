"""The dated deadlines that a story holds, each as its newest article has it.

A deadline that moved counts with its new day only; a late article that repeats the old day does not bring it back.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot import model
from bot.stories.news import dates
from bot.stories.news.calendar import Day
from bot.stories.news.statements import Statement, statements

_DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class _Known:
    """A deadline and the article that tells it."""

    dated: dates.Dated
    article: model.Article


def deadlines(story: model.Story) -> tuple[model.Deadline, ...]:
    """Earliest first; also those that are over."""
    held: list[_Known] = []
    gone: list[Day] = []
    for member in story.members:
        for dated in _told(statements(member.article)):
            same = next((one for one in held if one.dated.day.agrees_with(dated.day)), None)
            if same is not None or (not dated.is_moved and any(day.agrees_with(dated.day) for day in gone)):
                continue
            old = _replaced(dated, held)
            if old is None and dated.label != _DEADLINE:
                continue
            if old is not None:
                held.remove(old)
                gone.append(old.dated.day)
            held.append(_Known(dated, member.article))
    return tuple(sorted((_deadline(one) for one in held), key=lambda each: each.day))


def _told(said: tuple[Statement, ...]) -> list[dates.Dated]:
    """An article's exact deadlines that lay ahead when it was written; told low down, only where it says «moved»."""
    found = [
        dated
        for statement in said
        for dated in dates.dated_in(statement)
        if (dated.label == _DEADLINE or (dated.is_moved and dated.label in dates.WEAK))
        and dated.day.day is not None
        and dated.day.may_follow(statement.day)
        and (dated.is_moved or statement.is_prominent)
    ]
    # A statement that a deadline moved knows more than one that names it.
    return sorted(found, key=lambda each: not each.is_moved)


def _replaced(dated: dates.Dated, held: list[_Known]) -> _Known | None:
    """The deadline that a new day takes the place of: the one it names, else the last of the same matter."""
    if dated.replaces:
        for one in held:
            if dated.replaces.agrees_with(one.dated.day):
                return one
    alike = [one for one in held if dates.is_same_matter(one.dated.statement, dated.statement)]
    if not alike and dated.is_moved:
        alike = held
    return alike[-1] if alike else None


def _deadline(known: _Known) -> model.Deadline:
    day, statement, article = known.dated.day, known.dated.statement, known.article
    fact = model.Fact(
        kind="date",
        label=_DEADLINE,
        before=None,
        after=day.shown(statement.day),
        sentence=statement.text,
        article=article.id,
        outlet=article.outlet,
    )
    return model.Deadline(day=day.begins(), fact=fact)
