"""Choose the channels of a story under a rule by the tree of routes in bot.yaml, and describe the choice in words.

The first matching route decides, and inside it the first matching sub-route; after a route with ``continue`` the
next route is tried too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from bot import model
from bot.alerts.situation import quiet_hours_end


def route_channels(
    routes: Sequence[model.Route], rule: model.Rule, *, tags: Collection[str], now: datetime
) -> tuple[str, ...]:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One route that a rule's stories may take."""

    to: tuple[str, ...]
    #: Hours and feed tags in words. If empty, the leg always applies.
    conditions: tuple[str, ...]
    #: Whether the following leg is taken too.
    goes_on: bool


def legs(routes: Sequence[model.Route], rule: model.Rule) -> tuple[Leg, ...]:
    """Return every route of a rule, in the order in which they are tried. Hours and feed tags become conditions."""
    return tuple(_legs(routes, rule, (), goes_on=False))


def possible_channels(routes: Sequence[model.Route], rule: model.Rule) -> tuple[str, ...]:
    """Return every channel that the rule may post to: its ``notify``, or else the channels of its routes."""
    return rule.notify or tuple(dict.fromkeys(channel for leg in legs(routes, rule) for channel in leg.to))


def describe_routes(routes: Sequence[model.Route], rule: model.Rule) -> str:
    """Describe in words where the rule posts.

    >>> desk, night = model.Route(to=("desk",)), model.Route(to=("night",), match=model.RouteMatch(tag=("pakistan",)))
    >>> describe_routes((night, desk), model.Rule(name="exit", notify=()))
    'night (feeds tagged pakistan), else desk'
    """
    if rule.notify:
        return ", ".join(rule.notify)
    text = ""
    previous: Leg | None = None
    for leg in legs(routes, rule):
        joint = "" if previous is None else ", also " if previous.goes_on else ", else "
        conditions = f" ({', '.join(leg.conditions)})" if leg.conditions else ""
        text += f"{joint}{', '.join(leg.to)}{conditions}"
        previous = leg
    return text or "nowhere"


def _may_match(route: model.Route, rule: model.Rule) -> bool:
    names, severities = route.match.rule, route.match.severity
    is_named = not names or any(fnmatchcase(rule.name.casefold(), name.casefold()) for name in names)
    return is_named and (not severities or rule.severity in severities)


def _legs(routes: Sequence[model.Route], rule: model.Rule, outer: tuple[str, ...], *, goes_on: bool) -> list[Leg]:
    result: list[Leg] = []
    for branch in routes:
        if not _may_match(branch, rule):
            continue
        conditions = outer
        if hours := branch.match.hours:
            conditions += (f"{hours.start:%H:%M} to {hours.end:%H:%M} {hours.zone}",)
        if branch.match.tag:
            conditions += (f"feeds tagged {' or '.join(branch.match.tag)}",)
        continues = goes_on or branch.continue_
        inner = _legs(branch.routes, rule, conditions, goes_on=continues)
        result += inner
        if not inner or inner[-1].goes_on or inner[-1].conditions != conditions:
            result.append(Leg(to=branch.to, conditions=conditions, goes_on=continues))
        if conditions == outer and not branch.continue_:
            break
    return result
