"""The facts from other files that a rule file depends on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bot import rules
from bot.config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The facts from other files that a rule can depend on."""

    #: None: bot.yaml is not readable, so channels of rules are not checked.
    channels: frozenset[str] | None
    #: Names, addresses and tags of feeds; None: unknown.
    feeds: frozenset[str] | None
    zone: ZoneInfo
    #: The name of each channel by its ``to``, for rules that name the ``to``.
    destinations: dict[str, str] = field(default_factory=dict)
    #: People whom channels can mention; None: unknown.
    people: frozenset[str] | None = None
    #: bot.yaml has routes, so that a rule may leave out ``notify``; None: unknown.
    has_routes: bool | None = None
    #: The uses of the language model; None: unknown.
    uses: frozenset[str] | None = None
    #: Also warn of what is allowed and probably not meant.
    wants_warnings: bool = True
    #: Bounds the examples of all rules together; None: each example has a separate bound.
    steps: rules.Steps | None = None

    @classmethod
    def of(cls, settings: Settings, *, wants_warnings: bool = True, steps: rules.Steps | None = None) -> Context:
        """Make the context of a rule file that is not part of a loaded configuration."""
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
        """Return the names for a "channel", "person", "feed" or "use", or "" for "routes"; None: not checked."""
        if kind == "routes":
            return None if self.has_routes is None else frozenset([""] if self.has_routes else [])
        return {"channel": self.channels, "person": self.people, "use": self.uses}.get(kind, self.feeds)

    def missing(self, needs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Return the needs that no file meets."""
        return frozenset(
            (kind, name) for kind, name in needs if (names := self.known(kind)) is not None and name not in names
        )
