"""What the configuration must know of channels and sources, which it may not import: which kinds there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pydantic

from bot import model, plugins
from bot.config import values
from bot.config.strict_shape import StrictShape
from bot.config.yaml.nodes import Mapping, Node, Scalar
from bot.config.yaml.problems import ProblemReport


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of channels and sources that a configuration may name."""

    channels: plugins.Kinds
    #: Asked only where a feed names its kind: to import every source takes a moment.
    sources: Callable[[], plugins.Kinds]


@cache
def channel_options(kind: plugins.Kind | None) -> type[pydantic.BaseModel]:
    """The keys of a channel: its kind's own ones, and those that every channel has; None: an unknown kind."""
    base: type[pydantic.BaseModel] = kind.options if kind and kind.options else StrictShape
    translate = pydantic.Field(
        None,
        description=(
            "The code of a language, such as en: a language model (model, with uses: translate) gives headline and "
            "summary of articles in other languages in it, beside the original."
        ),
    )
    thread = pydantic.Field(
        model.Thread.NEWS,
        description=(
            "What a story's thread gets: claims (a value in the place of another, corrections), news (quotes of what "
            "is new, too) or all (each article that joins, too). A rule may have its own thread."
        ),
    )
    return pydantic.create_model(
        base.__name__,
        __base__=base,
        __doc__=base.__doc__,
        translate=(values.Language | None, translate),
        thread=(model.Thread, thread),
    )


def say_broken(report: ProblemReport, broken: plugins.Broken, node: Node, *, is_used: bool = True) -> None:
    """A plug-in that cannot be loaded: an error where it is used, else a warning."""
    report.add_at(
        node,
        "plug-in",
        str(broken),
        "install a version that fits this Wirewatch, or uninstall it",
        severity="error" if is_used else "warning",
    )


def warn_of_broken(channels: Node | None, report: ProblemReport, kinds: plugins.Kinds) -> None:
    """Plug-ins that no channel uses: somebody installed them for something."""
    if not isinstance(channels, Mapping):
        return
    written = [channel.get("kind") for _, channel in channels.pairs if isinstance(channel, Mapping)]
    used = {kind.value.strip() for kind in written if isinstance(kind, Scalar)}
    for name, broken in kinds.broken.items():
        if name not in used or name in kinds.found:
            say_broken(report, broken, channels.pairs[0][0] if channels.pairs else channels, is_used=False)
