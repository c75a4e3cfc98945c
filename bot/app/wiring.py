"""Build the parts of the app from the settings and the environment. A reload replaces some of the parts."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import __version__, channels, config, model, rules, storage
from bot.app.environment import Environment, channel_of
from bot.fetch import fulltext, google_news, parsing, slots
from bot.fetch.first_use import FetcherAtFirstUse
from bot.fetch.parsing import ReaderProcesses, ReaderThreads
from bot.pipeline.decide import Decider
from bot.pipeline.keep import Heartbeat
from bot.pipeline.passes import Pipeline
from bot.pipeline.poll import Poller
from bot.pipeline.reports import FeedReport, Observer
from bot.pipeline.snapshot import Snapshot
from bot.text import encoders

if TYPE_CHECKING:
    from bot.fetch.client import HttpFetcher


@dataclass(slots=True, kw_only=True)
class Live:
    """The current configuration. A reload replaces its fields; running work finishes with the values it has read."""

    settings: config.Settings
    snapshot: Snapshot
    channels: Mapping[str, model.Channel]
    #: Time of the last load or reload.
    loaded_at: datetime
    #: Set when a reload changes something that senders and listeners copy at their start, so that they start again; a
    #: new event then takes its place.
    delivery_changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take_over(self, other: Live) -> None:
        """Copy the configuration from ``other``."""
        has_changed = self._copied_by_senders() != other._copied_by_senders()
        self.settings, self.snapshot, self.loaded_at = other.settings, other.snapshot, other.loaded_at
        self.channels = other.channels
        if has_changed:
            self.delivery_changed.set()
            self.delivery_changed = asyncio.Event()

    def _copied_by_senders(self) -> tuple[object, ...]:
        return self.channels, self.settings.bot.operator, self.settings.bot.on_unknown

    @property
    def keep(self) -> timedelta | None:
        """How long articles are kept, at least as long as stories stay open. None means for ever."""
        bot = self.settings.bot
        return None if bot.keep is None else max(bot.keep, bot.stories.window)


class Observers(Observer):
    """Forward each event to all observers."""

    def __init__(self, on_feed: Callable[[FeedReport], None] = lambda report: None) -> None:
        self.all: list[Observer] = []
        self._on_feed = on_feed

    def on_feed(self, report: FeedReport) -> None:
        self._on_feed(report)
        for observer in self.all:
            observer.on_feed(report)

    def on_decided(self, decision: model.Decision) -> None:
        for observer in self.all:
            observer.on_decided(decision)

    def on_outcome(self, row: model.Outgoing) -> None:
        for observer in self.all:
            observer.on_outcome(row)

    def on_completion(self, completion: model.Completion) -> None:
        for observer in self.all:
            observer.on_completion(completion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that are created at the start and never replaced."""

    environment: Environment
    store: storage.Store
    clock: model.Clock
    heartbeat: Heartbeat
    observers: Observers
    fetcher: model.Fetcher
    #: Parses documents outside the event loop.
    documents: ReaderThreads | ReaderProcesses
    deciding: Decider
    pipeline: Pipeline


def snapshot_of(settings: config.Settings) -> Snapshot:
    """Return the settings in the form that the pipeline uses."""
    bot = settings.bot
    features = {name: channels.features_of(channel.kind, channel.options) for name, channel in bot.channels.items()}
    return Snapshot(
        feeds={feed.url: feed for feed in settings.feeds},
        rules=rules.RuleSet(settings.rules),
        fetch=bot.fetch,
        policies={name: _policy(bot, channel, features[name]) for name, channel in bot.channels.items()},
        routes=bot.routes,
        mention=bot.mention,
        people={name: channel.people for name, channel in features.items()},
        channels=frozenset(bot.channels),
        restricted=frozenset(name for name, channel in features.items() if channel.may_act),
        with_buttons=frozenset(name for name, channel in features.items() if channel.has_buttons),
        escalate=bot.escalate,
        operator=bot.operator,
        window=bot.stories.window,
        public_url=bot.public_url or "",
        zone=bot.timezone,
        language_model=bot.model,
        encoder=encoders.of(bot.stories.languages),
    )


def _policy(
    bot: config.BotSettings, channel: config.ChannelSettings, features: channels.ChannelFeatures
) -> model.PostingPolicy:
    digest = None
    if features.digest:
        at, zone = features.digest
        digest = model.Digest(at=at, zone=zone or bot.timezone)
    return model.PostingPolicy(
        quiet=bot.quiet_hours,
        posts_per_hour=bot.posts_per_hour,
        can_edit=bool(features.can_edit),
        gather=bot.gather,
        digest=digest,
        translate=channel.options.translate,
        thread=channel.options.thread,
    )


def fetcher_of(policy: model.FetchPolicy, environment: Environment) -> model.Fetcher:
    """Return the fetcher of ``environment``, or an HTTP client that is created at its first use."""

    def create() -> HttpFetcher:
        # Import here, because httpx and loading the certificates slow down the start.
        from bot.fetch.client import HttpFetcher

        return HttpFetcher(
            policy, environment.clock, secret_of=lambda secret: config.resolve_secret(secret, environment.environ)
        )

    return environment.fetcher or FetcherAtFirstUse(create)


def parts_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.Store,
    *,
    on_feed: Callable[[FeedReport], None],
    process_name: str,
) -> Parts:
    """Create the parts over an open store without starting any. ``on_feed`` is called after each poll."""
    clock, fetch, observers = environment.clock, settings.bot.fetch, Observers(on_feed)
    fetcher = fetcher_of(fetch, environment)
    documents = parsing.make_reader(fetch)
    deciding = Decider(store=store, clock=clock, observer=observers)

    return Parts(
        environment=environment,
        store=store,
        clock=clock,
        heartbeat=Heartbeat(
            store,
            clock,
            process=f"{process_name}, process {os.getpid()} on {platform.node()}",
            version=__version__,
            is_alone=store.address.is_sqlite,
        ),
        observers=observers,
        fetcher=fetcher,
        documents=documents,
        deciding=deciding,
        pipeline=Pipeline(
            store=store,
            clock=clock,
            poller=Poller(
                fetcher=fetcher,
                documents=documents,
                pages=fulltext.TrafilaturaReader(fetcher, clock, extract=documents.text_of_page),
                links=google_news.GoogleNews(fetcher, clock),
                store=store,
                clock=clock,
            ),
            decider=deciding,
            memory=slots.Room(),
            concurrency=fetch.concurrency,
            observer=observers,
        ),
    )


def live_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.Store,
    *,
    replaced: Mapping[str, model.Channel] | None = None,
) -> Live:
    """Return the live configuration. Build each channel, unless ``replaced`` has a channel of the same name."""
    replaced = replaced or {}
    return Live(
        settings=settings,
        snapshot=snapshot_of(settings),
        channels={
            name: replaced.get(name) or channel_of(settings, name, environment, store) for name in settings.bot.channels
        },
        loaded_at=environment.clock.now(),
    )
