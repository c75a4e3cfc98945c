"""The kinds of channels and sources, which the configuration may not import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pydantic

from bot import model, plugins
from bot.config.nodes import MappingNode, Node, ScalarNode
from bot.config.problems import ProblemReport
from bot.model import values


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of channels and sources that a configuration may name."""

    channels: plugins.Kinds
    #: Called only if a feed names its kind: importing all sources takes a moment.
    sources: Callable[[], plugins.Kinds]


class ChannelKeys(pydantic.BaseModel):
    """The keys of every kind of channel."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    translate: values.Language | None = pydantic.Field(
        None,
        description=(
            "The code of a language, such as en: a language model (model, with uses: translate) adds a translation "
            "of the headline and summary of articles in other languages."
        ),
    )
    thread: model.Thread = pydantic.Field(
        model.Thread.NEWS,
        description=(
            "Replies in a story's thread: claims (changed values, corrections), news (also quotes of what is new) or "
            "all (also each article that joins). The thread of a rule overrides it."
        ),
    )


@cache
def channel_options(kind: plugins.Kind | None) -> type[ChannelKeys]:
    """Return the keys of a channel: the keys of its kind (None: unknown), and the common ones."""
    if kind is None or kind.options is None:
        return ChannelKeys
    return pydantic.create_model(
        kind.options.__name__, __base__=(ChannelKeys, kind.options), __doc__=kind.options.__doc__
    )


def report_broken(report: ProblemReport, broken: plugins.Broken, node: Node, *, is_used: bool = True) -> None:
    """Report a plug-in that cannot be loaded: an error where it is used, otherwise a warning."""
    report.add(
        node,
        "plug-in",
        str(broken),
        "install a version that fits this Wirewatch, or uninstall it",
        severity="error" if is_used else "warning",
    )


def warn_of_unused(channels: Node | None, report: ProblemReport, kinds: plugins.Kinds) -> None:
    """Warn of broken plug-ins that no channel uses."""
    if not isinstance(channels, MappingNode):
        return
    kind_nodes = [channel.get("kind") for _, channel in channels.pairs if isinstance(channel, MappingNode)]
    used = {kind.value.strip() for kind in kind_nodes if isinstance(kind, ScalarNode)}
    for name, broken in kinds.broken.items():
        if name not in used or name in kinds.by_name:
            report_broken(report, broken, channels.pairs[0][0] if channels.pairs else channels, is_used=False)
