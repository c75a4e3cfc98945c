"""The routes of bot.yaml: their keys, their checks, and their values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

import pydantic

from bot import model
from bot.config import values
from bot.config.strict_shape import StrictShape
from bot.config.yaml.nodes import Mapping, Node, Scalar, scalars, value_of
from bot.config.yaml.nodes import Sequence as SequenceNode
from bot.config.yaml.problems import ProblemReport

#: Words that pydantic reads as true.
_YES = ("true", "yes", "on", "y", "t", "1")


class MatchShape(StrictShape):
    """The conditions of a route; all must hold."""

    rule: values.Texts = pydantic.Field((), description="Rules by name, any of them; * is any text: BlackBerry*.")
    tag: values.Texts = pydantic.Field(
        (), description="Tags of feeds, any of them: a feed with the tag has an article that the rule matched."
    )
    severity: tuple[model.Severity, ...] = pydantic.Field((), description="Severities of rules, any of them.")
    hours: values.Quiet | None = pydantic.Field(
        None, description="The hours of the first decision about the story: 09:00 to 17:00 Asia/Karachi."
    )

    @pydantic.field_validator("severity", mode="before")
    @classmethod
    def _is_list(cls, written: object) -> object:
        return values.one_or_list(written)


_CONTINUE = pydantic.Field(False, description="true: the routes after this one are tried too.")
# A keyword of Python cannot be a field in a class body.
_Continue = pydantic.create_model("_Continue", __base__=StrictShape, **{"continue": (bool, _CONTINUE)})  # type: ignore[call-overload]  # its stubs take no unpacked names


class RouteShape(_Continue):  # type: ignore[misc, valid-type]  # made above: no class to mypy
    """Where stories of rules without notify are posted."""

    match: MatchShape = pydantic.Field(
        default_factory=lambda: MatchShape.model_validate({}),
        description="The stories that the route takes: rule, tag, severity, hours. Without it, all.",
    )
    to: values.Texts = pydantic.Field(
        (), description="One channel, or a list of them. An inner route without it posts where the outer one does."
    )
    routes: tuple[RouteShape, ...] = pydantic.Field(
        (), description="Routes inside this one, tried first; where none takes the story, it goes to this one's to."
    )


def routes_of(shapes: Sequence[RouteShape], zone: ZoneInfo, outer: tuple[str, ...] = ()) -> tuple[model.Route, ...]:
    """Make the routes with their inherited values: ``zone`` for hours without one, ``outer`` channels."""
    routes = []
    for shape in shapes:
        to, hours = tuple(dict.fromkeys(shape.to)) or outer, shape.match.hours
        routes.append(
            model.Route(
                to=to,
                rules=shape.match.rule,
                tags=shape.match.tag,
                severities=shape.match.severity,
                hours=model.QuietHours(start=hours[0], end=hours[1], zone=hours[2] or zone) if hours else None,
                goes_on=getattr(shape, "continue"),
                routes=routes_of(shape.routes, zone, to),
            )
        )
    return tuple(routes)


def check_routes(root: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report unknown channels, stories that no route takes, and routes that are never reached."""
    top = _items(root)
    if not top:
        return
    _check_level(top, channels, report, is_top=True)
    if key := top[-1].key("match"):
        report.add_at(
            key,
            "no-last-route",
            "a story that no route takes would be lost",
            "add a last route without match: - to: alerts",
        )


def check_channel(name: str, node: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report a channel in ``node`` that does not exist."""
    if name not in channels:
        otherwise = "the channels are " + ", ".join(sorted(channels))
        help_text = values.did_you_mean(name, sorted(channels), otherwise=otherwise)
        message = f'no channel "{values.shown(name)}"'
        report.add_at(node, "unknown-channel", message, help_text)


def warn_of_unknown_rules(root: Node | None, names: Collection[str], report: ProblemReport) -> None:
    """Warn of rules in a route that no file has."""
    folded = [name.casefold() for name in names]
    for route in _all(_items(root)):
        match = route.get("match")
        for item in scalars(value_of(match, "rule")):
            if not any(fnmatchcase(name, item.value.strip().casefold()) for name in folded):
                help_text = values.did_you_mean(item.value, list(names), otherwise="`wirewatch status` lists the rules")
                message = f'no rule is named "{values.shown(item.value)}"'
                report.add_at(item, "unknown-rule", message, help_text, severity="warning")


def _check_level(routes: Sequence[Mapping], channels: Collection[str], report: ProblemReport, *, is_top: bool) -> None:
    is_closed = False
    for route in routes:
        first = route.pairs[0][0] if route.pairs else None
        start, end = (first.start, first.end) if first else (route.start, route.start + 1)
        if is_closed:
            report.add(
                "route-not-reached",
                "this route is never reached: the previous route takes everything",
                "move it up, or give the previous route continue: true",
                start=start,
                end=end,
                severity="warning",
            )
            break
        if route.get("to") is None and is_top:
            report.add(
                "missing-key",
                'the key "to" is missing',
                f"write to: {next(iter(sorted(channels)), 'alerts')}",
                start=start,
                end=end,
            )
        for item in scalars(route.get("to")):
            if name := item.value.strip():
                check_channel(name, item, channels, report)
        continue_node = route.get("continue")
        continues = isinstance(continue_node, Scalar) and continue_node.value.strip().lower() in _YES
        is_closed = route.get("match") is None and not continues
        _check_level(_items(route), channels, report, is_top=False)


def _items(node: Node | None) -> list[Mapping]:
    routes = value_of(node, "routes")
    return [item for item in routes.items if isinstance(item, Mapping)] if isinstance(routes, SequenceNode) else []


def _all(routes: Sequence[Mapping]) -> Iterator[Mapping]:
    for route in routes:
        yield route
        yield from _all(_items(route))
