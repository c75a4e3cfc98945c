"""The kinds of channels and sources. They are arguments of ``load``, because this package may not import them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pydantic

from bot import keys, plugins
from bot.config.nodes import Node
from bot.config.problems import ProblemReport
from bot.model.channels import ChannelFeatures
from bot.model.rules import Thread
from bot.model.settings import Brief


@dataclass(frozen=True, slots=True)
class KnownKinds:
    """The kinds of channels and sources that a configuration may name."""

    channels: plugins.Kinds
    #: Returns the kinds of sources. Called only if a feed has a kind, because importing all sources takes a moment.
    sources: Callable[[], plugins.Kinds]
    #: Returns the features of a channel of this kind with these options.
    features_of: Callable[[str, pydantic.BaseModel], ChannelFeatures]

    @property
    def built_in(self) -> KnownKinds:
        """The kinds without plug-ins."""
        return KnownKinds(self.channels.built_in, lambda: self.sources().built_in, self.features_of)


class ChannelKeys(pydantic.BaseModel):
    """The keys that every kind of channel has."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    translate: keys.Language | None = pydantic.Field(
        None,
        description=(
            "The code of a language, such as en. For articles in other languages, a language model (model, with uses: "
            "translate) adds a translation of the headline and summary."
        ),
    )
    brief: Brief | None = pydantic.Field(
        None,
        description=(
            "When the channel gets a brief, which lists what moved since the last one: 08:00 for every day, or "
            "{at: 08:00, days: mon-fri, zone: Europe/Paris, only: true}."
        ),
    )
    thread: Thread = pydantic.Field(
        Thread.NEWS,
        description=(
            "Events that get a reply in a story's thread: claims (changed values, corrections), news (also quotes of "
            "new sentences) or all (also each article that joins). The thread of a rule overrides this."
        ),
    )


@cache
def channel_options(kind: plugins.Kind | None) -> type[ChannelKeys]:
    """Return the common keys of channels and the keys of this kind, or only the common keys if the kind is None."""
    if kind is None or kind.options is None:
        return ChannelKeys
    return pydantic.create_model(
        kind.options.__name__, __base__=(ChannelKeys, kind.options), __doc__=kind.options.__doc__
    )


def report_broken(report: ProblemReport, broken: plugins.Broken, node: Node) -> None:
    """Report a plug-in that cannot be loaded, where the configuration names it."""
    advice = "install a version that fits this Wirewatch, or uninstall it"
    report.add(node, "plug-in", str(broken), advice)
