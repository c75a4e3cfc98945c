"""Derive what the app needs from the settings: the live configuration, the channels and the fetcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import config, storage
from bot.app.environment import Environment, channel_of
from bot.fetch.first_use import FetcherAtFirstUse
from bot.model.alerts import Decision
from bot.model.channels import Channel
from bot.model.fetching import Fetcher
from bot.model.language_models import Completion
from bot.model.messages import Outgoing
from bot.model.settings import FetchPolicy
from bot.pipeline.reports import FeedReport, Observer

if TYPE_CHECKING:
    from bot.fetch.client import HttpFetcher


@dataclass(slots=True, kw_only=True)
class Live:
    """The current configuration. A reload replaces its fields; running work finishes with the values it has read."""

    settings: config.Settings
    channels: Mapping[str, Channel]
    #: Time of the last load or reload.
    loaded_at: datetime
    #: Set when a reload replaces ``channels``; a new event then takes its place.
    channels_changed: asyncio.Event = field(default_factory=asyncio.Event)

    def replace(self, settings: config.Settings, channels: Mapping[str, Channel], *, now: datetime) -> None:
        """Replace the configuration."""
        self.settings, self.loaded_at = settings, now
        if self.channels != channels:
            self.channels = channels
            self.channels_changed.set()
            self.channels_changed = asyncio.Event()

    @property
    def keep(self) -> timedelta | None:
        """How long articles are kept, at least as long as stories stay open. None means for ever."""
        bot = self.settings.bot
        return None if bot.keep is None else max(bot.keep, bot.stories.window)


class Observers(Observer):
    """Forwards each event to all observers."""

    def __init__(self, on_feed: Callable[[FeedReport], None] = lambda report: None) -> None:
        self.all: list[Observer] = []
        self._on_feed = on_feed

    def on_feed(self, report: FeedReport) -> None:
        self._on_feed(report)
        for observer in self.all:
            observer.on_feed(report)

    def on_decided(self, decision: Decision) -> None:
        for observer in self.all:
            observer.on_decided(decision)

    def on_outcome(self, row: Outgoing) -> None:
        for observer in self.all:
            observer.on_outcome(row)

    def on_completion(self, completion: Completion) -> None:
        for observer in self.all:
            observer.on_completion(completion)


def fetcher_of(policy: FetchPolicy, environment: Environment) -> Fetcher:
    """Return the fetcher of ``environment``, or an HTTP client that is created at its first use."""

    def create() -> HttpFetcher:
        # Import here, because httpx and loading the certificates slow down the start.
        from bot.fetch.client import HttpFetcher

        return HttpFetcher(
            policy, environment.clock, secret_of=lambda secret: config.resolve_secret(secret, environment.environ)
        )

    return environment.fetcher or FetcherAtFirstUse(create)


def channels_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.Store,
    *,
    replaced: Mapping[str, Channel] | None = None,
) -> Mapping[str, Channel]:
    """Return the channels of bot.yaml. Build each one, unless ``replaced`` has a channel of the same name."""
    names, replaced = settings.bot.channels, replaced or {}
    return {name: replaced.get(name) or channel_of(settings, name, environment, store) for name in names}
