"""The channels to which messages are sent: a file or folder for each kind, discovered automatically.

A module or package of this folder with a ``KIND`` is a kind of channel. It also has ``Options``, a pydantic model of
its keys in bot.yaml, and a class ``Channel(name, options, context)`` that implements ``ports.Channel``. Other installed
packages add kinds by entry points of the group ``wirewatch.channels``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, time, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

import pydantic

from bot import model, plugins
from bot.channels.kit.context import ChannelContext, KeyValues
from bot.model import Abilities, Channel, Clock, Listener

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
    """Return every kind of channel, and the installed plug-ins that cannot be loaded."""
    return plugins.find(__name__, group=GROUP, made_by="Channel")


def find() -> Mapping[str, type[Channel]]:
    """Return the class of each kind."""
    return {name: kind.made_by for name, kind in kinds().found.items()}


def options() -> Mapping[str, type[pydantic.BaseModel]]:
    """Return the options model of each kind."""
    return {name: kind.options or NoOptions for name, kind in kinds().found.items()}


class NoOptions(pydantic.BaseModel):
    """The options of a kind without options."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def listeners(channels: Iterable[Channel]) -> Sequence[Listener]:
    """Return the listeners for presses of buttons in these channels."""
    channels = tuple(channels)
    result: list[Listener] = []
    for kind in kinds().found.values():
        if hasattr(kind.module, "listeners"):
            result += kind.module.listeners([channel for channel in channels if isinstance(channel, kind.made_by)])
    return result


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
    if isinstance(abilities := getattr(made_by, "abilities", None), Abilities):
        return abilities.edits
    return bool(getattr(options, "can_edit", False))


def build(
    kind: str,
    name: str,
    options: pydantic.BaseModel,
    *,
    resolve: Callable[[model.Secret], str],
    clock: Clock,
    key_values: KeyValues,
    zone: tzinfo = UTC,
) -> Channel:
    """Build a channel of bot.yaml, without network access and without reading secrets: both happen at first use."""
    context = ChannelContext(resolve=resolve, clock=clock, key_values=key_values, zone=zone)
    channel: Channel = kinds().found[kind].made_by(name, options, context)
    return channel
