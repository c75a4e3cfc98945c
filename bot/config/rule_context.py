"""What a rule file needs to know of the other files of a configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bot import rules
from bot.config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the other files say, where a rule can depend on it."""

    #: None: unknown, since bot.yaml is not readable; then no rule is blamed for its channel.
    channels: frozenset[str] | None
    #: Names, addresses and tags of feeds; None: unknown.
    feeds: frozenset[str] | None
    zone: ZoneInfo
    #: What a channel has as ``to`` -> its name: rules that name the one are told of the other.
    destinations: dict[str, str] = field(default_factory=dict)
    #: Whom channels can mention; None: unknown.
    people: frozenset[str] | None = None
    #: bot.yaml has routes, so that a rule may leave out ``notify``; None: unknown.
    has_routes: bool | None = None
    #: What a language model is asked for; None: unknown.
    uses: frozenset[str] | None = None
    #: Look for what is allowed and probably not meant.
    wants_warnings: bool = True
    #: What the examples of all rules may take together; None: each has its own bound.
    steps: rules.Steps | None = None

    @classmethod
    def of(cls, settings: Settings, *, wants_warnings: bool = True, steps: rules.Steps | None = None) -> Context:
        """Of a rule file beside a configuration that is loaded."""
        return cls(
            channels=frozenset(settings.bot.channels),
            feeds=frozenset[str]().union(*(state.names for state in settings.files.values())),
            zone=settings.bot.timezone,
            people=settings.bot.people,
            has_routes=bool(settings.bot.routes),
            wants_warnings=wants_warnings,
            steps=steps,
        )

    def known(self, kind: str) -> frozenset[str] | None:
        """The names for a "channel", "person", "feed" or "use", "" for "routes"; None: not checked."""
        if kind == "routes":
            return None if self.has_routes is None else frozenset([""] if self.has_routes else [])
        return {"channel": self.channels, "person": self.people, "use": self.uses}.get(kind, self.feeds)

    def missing(self, needs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those that no file has."""
        return frozenset(
            (kind, name) for kind, name in needs if (known := self.known(kind)) is not None and name not in known
        )
