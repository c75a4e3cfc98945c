"""The concrete parts, each made from the settings and the environment."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot import __version__, channels, config, model, pipeline, plugins, ports, reading, rules, sources, storage
from bot.app.engines.ticker import SystemClock, Ticker, Ticks
from bot.app.live import Live
from bot.app.observers import Observers
from bot.fetch import client, fulltext
from bot.maintenance.heartbeat import Heartbeat
from bot.reading.processes import Processes
from bot.reading.threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a test, a simulation or the demo may replace; each default is the real thing."""

    environ: Mapping[str, str]
    clock: ports.Clock = field(default_factory=SystemClock)
    fetcher: ports.Fetcher | None = None
    #: Ticks every so often.
    ticker: Callable[[timedelta], Ticks] = Ticker


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is wired once at the start and stays until the end; what a reload swaps is ``Live``."""

    environment: Environment
    store: storage.SqlStore
    clock: ports.Clock
    heartbeat: Heartbeat
    observers: Observers
    fetcher: ports.Fetcher
    #: Reads documents beside the loop.
    documents: Threads | Processes
    deciding: pipeline.Deciding
    pipeline: pipeline.Pipeline


def kinds() -> config.Kinds:
    """What may stand in the configuration as ``kind``."""
    return config.Kinds(channels.kinds(), sources.kinds)


def broken_plugins() -> tuple[plugins.Broken, ...]:
    """Those that are installed and cannot be used, of channels and sources."""
    # Our own sources are imported by the reader processes; here it would cost 30 MB.
    of_sources = sources.kinds().broken.values() if plugins.are_installed(sources.GROUP) else ()
    return (*channels.kinds().broken.values(), *of_sources)


def load(folder: Path, environ: Mapping[str, str], previous: config.Settings | None = None) -> config.Settings:
    """The configuration of a folder. Raises ConfigError."""
    return config.load(folder, previous=previous, environ=environ, kinds=kinds())


def snapshot_of(settings: config.Settings) -> pipeline.Snapshot:
    """The settings as the pipeline reads them."""
    bot = settings.bot
    return pipeline.Snapshot(
        feeds={feed.url: feed for feed in settings.feeds},
        rules=rules.RuleSet(settings.rules),
        fetch=bot.fetch,
        policies={name: _policy(bot, channel) for name, channel in bot.channels.items()},
        operator=bot.operator,
        window=bot.stories_window,
    )


def _policy(bot: config.BotSettings, channel: config.ChannelSettings) -> model.SpeakPolicy:
    told = channels.digest(channel.options)
    digest = model.Digest(at=told[0], zone=told[1] or bot.timezone) if told else None
    return model.SpeakPolicy(quiet=bot.quiet, posts_per_hour=bot.posts_per_hour, digest=digest)


def database_of(settings: config.Settings, environment: Environment) -> str:
    """The database's whole address, its secret part read now. Raises ConfigError.

    Also where the archive is still at its place of earlier versions.
    """
    settings.bot.refuse_stray_database(environment.environ)
    return settings.bot.database_address(environment.environ)


def channel_of(
    settings: config.Settings, name: str, environment: Environment, store: ports.Store | None = None
) -> ports.Channel:
    """One channel of bot.yaml; one whose secret is unset is built closed: it parks what it is given."""
    found = settings.bot.channels[name]
    return channels.build(
        found.kind,
        name,
        found.options,
        resolve=lambda secret: config.resolve(secret, environment.environ),
        clock=environment.clock,
        key_values=_StoreKeyValues(store) if store else _NoKeyValues(),
    )


def fetcher_of(policy: model.FetchPolicy, environment: Environment) -> ports.Fetcher:
    """The HTTP client of feeds, or the one that ``environment`` brings."""
    return environment.fetcher or client.HttpFetcher(policy, environment.clock)


def parts_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.SqlStore,
    *,
    on_feed: Callable[[pipeline.FeedReport], None],
    process_name: str,
) -> Parts:
    """Everything over an open store, nothing of it begun; ``on_feed`` is told of each poll beside the observers."""
    clock, fetch, observers = environment.clock, settings.bot.fetch, Observers()
    fetcher = fetcher_of(fetch, environment)
    documents = reading.of(fetch)
    deciding = pipeline.Deciding(
        store=store, clock=clock, window=settings.bot.stories_window, on_decided=observers.on_decided
    )

    def on_feed_of_both(report: pipeline.FeedReport) -> None:
        on_feed(report)
        observers.on_feed(report)

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
        pipeline=pipeline.Pipeline(
            store=store,
            fetcher=fetcher,
            documents=documents,
            pages=fulltext.TrafilaturaReader(fetcher, clock, extract=documents.text_of_page),
            clock=clock,
            concurrency=fetch.concurrency,
            deciding=deciding,
            on_feed=on_feed_of_both,
        ),
    )


def live_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.SqlStore,
    *,
    given: Mapping[str, ports.Channel] | None = None,
) -> Live:
    """The configuration as it takes force now; ``given`` channels are taken as they are, the others are built."""
    given = given or {}
    return Live(
        settings=settings,
        snapshot=snapshot_of(settings),
        channels={
            name: given.get(name) or channel_of(settings, name, environment, store) for name in settings.bot.channels
        },
        loaded_at=environment.clock.now(),
    )


class _StoreKeyValues:
    """The small facts that a channel keeps, such as a resolved id."""

    def __init__(self, store: ports.Store) -> None:
        self._store = store

    async def get(self, key: str) -> str | None:
        return await self._store.read(lambda tx: tx.key_values.get(key))

    async def put(self, key: str, value: str) -> None:
        await self._store.write(lambda tx: tx.key_values.put(key, value))


class _NoKeyValues:
    """For a channel that is only looked at: nothing is remembered."""

    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str) -> None:
        pass
