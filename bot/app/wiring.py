"""The concrete parts, each made from the settings and the outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot import channels, config, model, pipeline, ports, rules
from bot.app.engines.ticker import SystemClock, Ticker, Ticks
from bot.fetch import client


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a test, a simulation or the demo may replace; each default is the real thing."""

    environ: Mapping[str, str]
    clock: ports.Clock = field(default_factory=SystemClock)
    fetcher: ports.Fetcher | None = None
    #: Ticks every so often.
    ticker: Callable[[timedelta], Ticks] = Ticker


def load(folder: Path, environ: Mapping[str, str], previous: config.Settings | None = None) -> config.Settings:
    """The configuration of a folder. Raises ConfigError."""
    return config.load(folder, previous=previous, environ=environ, channel_options=channels.options())


def snapshot_of(settings: config.Settings) -> pipeline.Snapshot:
    bot = settings.bot
    policy = model.SpeakPolicy(quiet=bot.quiet, posts_per_hour=bot.posts_per_hour)
    return pipeline.Snapshot(
        feeds={feed.url: feed for feed in settings.feeds},
        rules=rules.RuleSet(settings.rules),
        fetch=bot.fetch,
        policies=dict.fromkeys(bot.channels, policy),
        operator=bot.operator,
        window=bot.stories_window,
    )


def database_of(settings: config.Settings, outside: Outside) -> str:
    """The database's whole address, its secret part read now. Raises ConfigError."""
    return settings.bot.database_address(outside.environ)


def channel_of(
    settings: config.Settings, name: str, outside: Outside, store: ports.Store | None = None
) -> ports.Channel:
    """One channel of bot.yaml; one whose secret is unset is built closed: it parks what it is given."""
    found = settings.bot.channels[name]
    return channels.build(
        found.kind,
        name,
        found.options,
        resolve=lambda secret: config.resolve(secret, outside.environ),
        clock=outside.clock,
        notes=StoreNotes(store) if store else NoNotes(),
    )


def fetcher_of(policy: model.FetchPolicy, outside: Outside) -> ports.Fetcher:
    return outside.fetcher or client.HttpFetcher(policy, outside.clock)


class StoreNotes:
    """The small facts that a channel keeps, such as a resolved id."""

    def __init__(self, store: ports.Store) -> None:
        self._store = store

    async def get(self, key: str) -> str | None:
        return await self._store.read(lambda tx: tx.notes.get(key))

    async def put(self, key: str, value: str) -> None:
        await self._store.write(lambda tx: tx.notes.put(key, value))


class NoNotes:
    """For a channel that is only looked at: nothing is remembered."""

    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str) -> None:
        pass
