"""The channels to which messages are sent. Each kind has a file or folder here and is discovered automatically.

A module or package in this folder that defines ``KIND`` is a kind of channel. It also defines ``Options``, a pydantic
model of its keys in bot.yaml, and a class ``Channel(name, options, context)``, which implements ``model.Channel``. If
the options choose between several classes, the module defines a function ``build`` with the same arguments. Other
installed packages add kinds through entry points of the group ``wirewatch.channels``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import pydantic
from msgspec.structs import replace

from bot import plugins
from bot.channels.kit.context import ChannelContext, ChannelOptions, KeyValues
from bot.model.channels import Abilities, Channel, ChannelFeatures, Listener

__all__ = [
    "ChannelContext",
    "ChannelFeatures",
    "KeyValues",
    "build",
    "features_of",
    "kinds",
    "listeners",
    "options",
]

GROUP = "wirewatch.channels"


@cache
def kinds() -> plugins.Kinds:
    """Return every kind of channel, and the installed plug-ins that cannot be loaded."""
    return plugins.find(__name__, group=GROUP, made_by="Channel")


def options() -> Mapping[str, type[pydantic.BaseModel]]:
    """Return the options model of each kind."""
    return {name: kind.options or ChannelOptions for name, kind in kinds().by_name.items()}


def listeners(channels: Iterable[Channel]) -> Sequence[Listener]:
    """Return the listeners for button presses in these channels."""
    channels = tuple(channels)
    result: list[Listener] = []
    for kind in kinds().by_name.values():
        if hasattr(kind.module, "listeners"):
            result += kind.module.listeners([channel for channel in channels if isinstance(channel, kind.made_by)])
    return result


def features_of(kind: str, options: pydantic.BaseModel) -> ChannelFeatures:
    """Return the features of a channel with these options."""
    features = options.features if isinstance(options, ChannelOptions) else ChannelFeatures()
    if features.can_edit is not None:
        return features
    abilities = getattr(kinds().by_name[kind].made_by, "abilities", None)
    return replace(features, can_edit=isinstance(abilities, Abilities) and abilities.edits)


def build(kind: str, name: str, options: pydantic.BaseModel, context: ChannelContext) -> Channel:
    """Build a channel of bot.yaml, without using the network or reading secrets."""
    registered = kinds().by_name[kind]
    channel: Channel = getattr(registered.module, "build", registered.made_by)(name, options, context)
    return channel
