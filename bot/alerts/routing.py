"""Which channels a story under a rule goes to, by the tree of routes in bot.yaml; and the same in words.

The first route that takes it decides, and inside it the first of its own; one with ``continue`` lets the next one
decide too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from bot import model
from bot.alerts.times import quiet_until


def route(routes: Sequence[model.Route], rule: model.Rule, *, tags: Collection[str], now: datetime) -> tuple[str, ...]:
    """The channels, each once. ``tags``: of the feeds that brought the articles."""
    found: list[str] = []
    folded = {tag.casefold() for tag in tags}
    for each in routes:
        is_now = each.hours is None or quiet_until(each.hours, now) is not None
        is_tagged = not each.tags or not folded.isdisjoint(tag.casefold() for tag in each.tags)
        if not (_may_take(each, rule) and is_now and is_tagged):
            continue
        found += route(each.routes, rule, tags=tags, now=now) or each.to
        if not each.goes_on:
            break
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One way that a rule's stories may take."""

    to: tuple[str, ...]
    #: In words: hours and tags of feeds; empty: always.
    conditions: tuple[str, ...]
    #: The legs after it are taken too.
    goes_on: bool


def legs(routes: Sequence[model.Route], rule: model.Rule) -> tuple[Leg, ...]:
    """Every way, in the order in which they are tried; what only the time and the feed decide is a condition."""
    return tuple(_legs(routes, rule, (), goes_on=False))


def possible(routes: Sequence[model.Route], rule: model.Rule) -> tuple[str, ...]:
    """Every channel that the rule's stories may go to: those that it names, else those of its routes."""
    return rule.notify or tuple(dict.fromkeys(channel for leg in legs(routes, rule) for channel in leg.to))


def told(routes: Sequence[model.Route], rule: model.Rule) -> str:
    """Where the rule's stories go, in words.

    >>> desk, night = model.Route(to=("desk",)), model.Route(to=("night",), tags=("pakistan",))
    >>> told((night, desk), model.Rule(name="exit", notify=()))
    'night (feeds tagged pakistan), else desk'
    """
    if rule.notify:
        return ", ".join(rule.notify)
    words = ""
    before: Leg | None = None
    for leg in legs(routes, rule):
        joint = "" if before is None else ", also " if before.goes_on else ", else "
        conditions = f" ({', '.join(leg.conditions)})" if leg.conditions else ""
        words += f"{joint}{', '.join(leg.to)}{conditions}"
        before = leg
    return words or "nowhere"


def _may_take(route: model.Route, rule: model.Rule) -> bool:
    is_named = not route.rules or any(fnmatchcase(rule.name.casefold(), name.casefold()) for name in route.rules)
    return is_named and (not route.severities or rule.severity in route.severities)


def _legs(routes: Sequence[model.Route], rule: model.Rule, above: tuple[str, ...], *, goes_on: bool) -> list[Leg]:
    found: list[Leg] = []
    for each in routes:
        if not _may_take(each, rule):
            continue
        conditions = (*above, *_conditions(each))
        is_on = goes_on or each.goes_on
        inner = _legs(each.routes, rule, conditions, goes_on=is_on)
        found += inner
        if not inner or inner[-1].goes_on or inner[-1].conditions != conditions:
            found.append(Leg(to=each.to, conditions=conditions, goes_on=is_on))
        if conditions == above and not each.goes_on:
            break
    return found


def _conditions(route: model.Route) -> list[str]:
    said = []
    if route.hours:
        said.append(f"{route.hours.start:%H:%M} to {route.hours.end:%H:%M} {route.hours.zone}")
    if route.tags:
        said.append(f"feeds tagged {' or '.join(route.tags)}")
    return said
