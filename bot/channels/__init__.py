"""Where messages go: one file or folder a kind, found by itself.

A module or package of this folder with a ``KIND`` is a channel: it also has ``Options`` (a pydantic model of what
bot.yaml may say) and ``Channel(name, options, around)``, a class that does what ``ports.Channel`` asks.
Nothing else need be told.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import ModuleType

import pydantic

from bot import model, ports
from bot.channels.kit.context import ChannelContext, KeyValues

__all__ = ["ChannelContext", "KeyValues", "build", "find", "listeners", "options"]


@cache
def _modules() -> Mapping[str, ModuleType]:
    found = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    return {module.KIND: module for module in found if hasattr(module, "KIND")}


def find() -> Mapping[str, type[ports.Channel]]:
    """Kind -> the class behind it."""
    return {kind: module.Channel for kind, module in sorted(_modules().items())}


def options() -> Mapping[str, type[pydantic.BaseModel]]:
    """Kind -> what a channel of it may say in bot.yaml, beside its kind."""
    return {kind: module.Options for kind, module in sorted(_modules().items())}


def listeners(channels: Iterable[ports.Channel]) -> Sequence[ports.Listener]:
    """What hears the buttons of these channels: of the kinds that have a ``listeners``."""
    channels = tuple(channels)
    found: list[ports.Listener] = []
    for module in _modules().values():
        if hasattr(module, "listeners"):
            found += module.listeners([channel for channel in channels if isinstance(channel, module.Channel)])
    return found


def build(
    kind: str,
    name: str,
    options: pydantic.BaseModel,
    *,
    resolve: Callable[[model.Secret], str],
    clock: ports.Clock,
    key_values: KeyValues,
) -> ports.Channel:
    """A channel of bot.yaml. Asks nothing of the network and reads no secret: what is missing shows when it is used."""
    context = ChannelContext(resolve=resolve, clock=clock, key_values=key_values)
    channel: ports.Channel = _modules()[kind].Channel(name, options, context)
    return channel
