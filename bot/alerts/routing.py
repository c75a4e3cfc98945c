"""Choose the channels for a rule's stories by the tree of routes in bot.yaml, and describe the routes in words.

The first matching route decides, and inside it the first matching sub-route; after a route with ``continue`` the
next route is tried too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from bot.alerts.situation import quiet_hours_end
from bot.model.rules import Rule
from bot.model.settings import Route


def route_channels(routes: Sequence[Route], rule: Rule, *, tags: Collection[str], now: datetime) -> tuple[str, ...]:
    """Return the channels of a rule, without duplicates. ``tags`` are the tags of the matched articles' feeds."""
    channels: list[str] = []
    folded = {tag.casefold() for tag in tags}
    for branch in routes:
        hours, tags_wanted = branch.match.hours, branch.match.tag
        is_now = hours is None or quiet_hours_end(hours, now) is not None
        is_tagged = not tags_wanted or not folded.isdisjoint(tag.casefold() for tag in tags_wanted)
        if not (_may_match(branch, rule) and is_now and is_tagged):
            continue
        channels += route_channels(branch.routes, rule, tags=tags, now=now) or branch.to
        if not branch.continue_:
            break
    return tuple(dict.fromkeys(channels))


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One route that a rule's stories may take."""

    to: tuple[str, ...]
    #: Hours and feed tags in words; empty if the leg has no condition.
    conditions: tuple[str, ...]
    #: Relation to the previous leg: “also” (both are taken) or “else” (taken if the previous leg does not apply).
    joint: str


def possible_channels(routes: Sequence[Route], rule: Rule) -> tuple[str, ...]:
    """Return every channel that the rule may post to: its ``notify``, or else the channels of its routes."""
    return rule.notify or tuple(dict.fromkeys(channel for leg in _legs(routes, rule) for channel in leg.to))


def describe_routes(routes: Sequence[Route], rule: Rule) -> str:
    """Describe in words where the rule posts.

    >>> from bot.model.settings import RouteMatch
    >>> desk, night = Route(to=("desk",)), Route(to=("night",), match=RouteMatch(tag=("pakistan",)))
    >>> describe_routes((night, desk), Rule(name="exit", notify=()))
    'night (feeds tagged pakistan), else desk'
    """
    if rule.notify:
        return ", ".join(rule.notify)
    text = ""
    for leg in _legs(routes, rule):
        joint = f", {leg.joint} " if text else ""
        conditions = f" ({', '.join(leg.conditions)})" if leg.conditions else ""
        text += f"{joint}{', '.join(leg.to)}{conditions}"
    return text or "nowhere"


def _may_match(route: Route, rule: Rule) -> bool:
    names, severities = route.match.rule, route.match.severity
    is_named = not names or any(fnmatchcase(rule.name.casefold(), name.casefold()) for name in names)
    return is_named and (not severities or rule.severity in severities)


def _legs(routes: Sequence[Route], rule: Rule, outer: tuple[str, ...] = (), joint: str = "else") -> list[Leg]:
    """Return a rule's legs, in the order in which they are tried. ``outer`` are the enclosing route's conditions."""
    legs: list[Leg] = []
    for branch in routes:
        if not _may_match(branch, rule):
            continue
        conditions = outer
        if hours := branch.match.hours:
            conditions += (f"{hours.start:%H:%M} to {hours.end:%H:%M} {hours.zone}",)
        if branch.match.tag:
            conditions += (f"feeds tagged {' or '.join(branch.match.tag)}",)
        inner = _legs(branch.routes, rule, conditions, joint)
        legs += inner
        if all(leg.conditions != conditions for leg in inner):
            legs.append(Leg(to=branch.to, conditions=conditions, joint="else" if inner else joint))
        if conditions == outer and not branch.continue_:
            break
        joint = "also" if branch.continue_ else "else"
    return legs
