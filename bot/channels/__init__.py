"""Where messages go: one file or folder a kind, found by itself.

A module or package of this folder with a ``KIND`` is a channel: it also has ``Options`` (a pydantic model of what
bot.yaml may say) and ``Channel(name, options, around)``, a class that does what ``ports.Channel`` asks. So is a module
of another installed package that an entry point of ``wirewatch.channels`` names. Nothing else need be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, time, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

import pydantic

from bot import model, plugins, ports
from bot.channels.kit.context import ChannelContext, KeyValues

__all__ = [
    "ChannelContext",
    "KeyValues",
    "build",
    "can_edit",
    "digest",
    "find",
    "has_buttons",
    "kinds",
    "listeners",
    "may_act",
    "options",
]

GROUP = "wirewatch.channels"


@cache
def kinds() -> plugins.Kinds:
    """Every kind of channel, and those that are installed and cannot be loaded."""
    return plugins.find(__name__, group=GROUP, made_by="Channel")


def find() -> Mapping[str, type[ports.Channel]]:
    """Kind -> the class behind it."""
    return {name: kind.made_by for name, kind in kinds().found.items()}


def options() -> Mapping[str, type[pydantic.BaseModel]]:
    """Kind -> what a channel of it may say in bot.yaml, beside its kind."""
    return {name: kind.options or NoOptions for name, kind in kinds().found.items()}


class NoOptions(pydantic.BaseModel):
    """This kind has no further keys."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def listeners(channels: Iterable[ports.Channel]) -> Sequence[ports.Listener]:
    """What hears the buttons of these channels: of the kinds that have a ``listeners``."""
    channels = tuple(channels)
    found: list[ports.Listener] = []
    for kind in kinds().found.values():
        if hasattr(kind.module, "listeners"):
            found += kind.module.listeners([channel for channel in channels if isinstance(channel, kind.made_by)])
    return found


def digest(options: pydantic.BaseModel) -> tuple[time, ZoneInfo | None] | None:
    """When a channel gathers a day's stories, of the kinds that have a key ``digest``; no zone: bot.yaml's own."""
    told: tuple[time, ZoneInfo | None] | None = getattr(options, "digest", None)
    return told


def people(options: pydantic.BaseModel) -> Mapping[str, str]:
    """Whom a channel can mention, of the kinds that have a key ``people``: name -> the service's own id."""
    known: Mapping[str, str] = getattr(options, "people", {})
    return known


def has_buttons(options: pydantic.BaseModel) -> bool:
    """Return whether people can press buttons in a channel, which only kinds with a key ``buttons`` have."""
    return bool(getattr(options, "buttons", False))


def may_act(options: pydantic.BaseModel) -> Sequence[str]:
    """Return those who alone may act in a channel; empty: everybody who is in it, or the kind has no ``may_act``."""
    named: Sequence[str] = getattr(options, "may_act", ())
    return named


def can_edit(kind: str, options: pydantic.BaseModel) -> bool:
    """Return whether a channel's messages can be edited; False where only the built channel knows."""
    made_by = kinds().found[kind].made_by
    if isinstance(abilities := getattr(made_by, "abilities", None), ports.Abilities):
        return abilities.edits
    return bool(getattr(options, "can_edit", False))


def build(
    kind: str,
    name: str,
    options: pydantic.BaseModel,
    *,
    resolve: Callable[[model.Secret], str],
    clock: ports.Clock,
    key_values: KeyValues,
    zone: tzinfo = UTC,
) -> ports.Channel:
    """A channel of bot.yaml. Asks nothing of the network and reads no secret: what is missing shows when it is used."""
    context = ChannelContext(resolve=resolve, clock=clock, key_values=key_values, zone=zone)
    channel: ports.Channel = kinds().found[kind].made_by(name, options, context)
    return channel
