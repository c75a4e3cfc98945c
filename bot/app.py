"""The composition root: the only file that knows every concrete class."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import structlog

from bot import channels, config, fetch, fulltext, model, outbox, pipeline, ports, rules, scheduler, sources, storage

log = structlog.get_logger("wirewatch")

#: How often due feeds are looked for.
TICK = timedelta(seconds=1)
#: How long polls under way may go on after SIGTERM; the outbox has its own ten seconds.
POLL_GRACE = timedelta(seconds=3)
#: Feeds under way at once, in parts of ``fetch.concurrency``: enough that no slot waits for a slow neighbour.
CLAIM_AHEAD = 4
EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a test or the demo may replace; each None is the real thing."""

    environ: Mapping[str, str]
    clock: ports.Clock = field(default_factory=scheduler.SystemClock)
    fetcher: ports.Fetcher | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceReport:
    passed: pipeline.PassReport
    drained: outbox.Drained


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
        notes=_StoreNotes(store) if store else _NoNotes(),
    )


class App:
    """One running Wirewatch over one store."""

    def __init__(
        self,
        settings: config.Settings,
        store: ports.Store,
        outside: Outside,
        *,
        on_feed: Callable[[pipeline.FeedReport], None],
        replaced: Mapping[str, ports.Channel],
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = outside.clock
        self.snapshot = snapshot_of(settings)
        self._outside = outside
        self._fetcher = outside.fetcher or fetch.HttpFetcher(settings.bot.fetch, outside.clock)
        self._pages = fulltext.TrafilaturaReader(self._fetcher, outside.clock)
        self.pipeline = pipeline.Pipeline(
            store=store,
            fetcher=self._fetcher,
            read=sources.read,
            pages=self._pages,
            clock=outside.clock,
            concurrency=settings.bot.fetch.concurrency,
            window=settings.bot.stories_window,
            on_feed=on_feed,
        )
        self.channels = {
            name: replaced.get(name) or channel_of(settings, name, outside, store) for name in settings.bot.channels
        }
        self.sender = outbox.Sender(
            store, self.channels, outside.clock, on_unknown=settings.bot.on_unknown, operator=settings.bot.operator
        )
        self.ticker: scheduler.Ticker | None = None

    async def once(self, *, everything: bool, drain: timedelta) -> OnceReport:
        """One pass over every due feed, then send what can be sent within ``drain``."""
        token, states = await self.pipeline.claim(limit=EVERYTHING, everything=everything)
        passed = await self.pipeline.run(token, states, self.snapshot)
        return OnceReport(passed=passed, drained=await self.sender.drain(drain))

    async def run(
        self,
        stop: asyncio.Event,
        *,
        on_pass: Callable[[pipeline.PassReport], None] = lambda report: None,
        everything: bool = False,
    ) -> None:
        """Poll, match and post until ``stop`` is set; then drain. ``everything``: each tick polls every feed."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.run(stop))
            polls = group.create_task(self._poll_for_ever(on_pass, everything=everything))
            await stop.wait()
            done, _ = await asyncio.wait({polls}, timeout=0)
            if not done:
                polls.cancel()

    async def _poll_for_ever(self, on_pass: Callable[[pipeline.PassReport], None], *, everything: bool) -> None:
        room = self.settings.bot.fetch.concurrency * CLAIM_AHEAD
        under_way = 0
        async with scheduler.Ticker(TICK) as self.ticker, asyncio.TaskGroup() as group:

            async def one_pass(token: str, states: list[model.FeedState]) -> None:
                nonlocal under_way
                try:
                    on_pass(await self.pipeline.run(token, states, self.snapshot))
                except ports.StoreError as error:
                    log.error("pass failed", error=str(error))
                finally:
                    under_way -= len(states)

            while True:
                await self.ticker.next()
                try:
                    await self.store.write(self._note_tick)
                    token, states = await self.pipeline.claim(limit=room - under_way, everything=everything)
                    if not states:
                        await self.pipeline.release(self.snapshot)
                        continue
                except ports.StoreError as error:
                    log.error("tick failed", error=str(error))
                    continue
                under_way += len(states)
                group.create_task(one_pass(token, list(states)))

    def _note_tick(self, tx: ports.Transaction) -> None:
        tx.notes.put("tick", self.clock.now().isoformat())

    async def reload(self, settings: config.Settings) -> None:
        """Swap the configuration between passes; what is under way ends with the old one."""
        self.settings = settings
        self.snapshot = snapshot_of(settings)
        await self.sync()

    async def sync(self) -> None:
        """Tell the store which feeds are configured."""
        urls = list(self.snapshot.feeds)
        now = self.clock.now()
        await self.store.write(lambda tx: tx.feeds.sync(urls, now=now))

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()
        await self._fetcher.close()


class _StoreNotes:
    """The small facts that a channel keeps, such as a resolved id."""

    def __init__(self, store: ports.Store) -> None:
        self._store = store

    async def get(self, key: str) -> str | None:
        return await self._store.read(lambda tx: tx.notes.get(key))

    async def put(self, key: str, value: str) -> None:
        await self._store.write(lambda tx: tx.notes.put(key, value))


class _NoNotes:
    """For a channel that is only looked at: nothing is remembered."""

    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str) -> None:
        pass


@asynccontextmanager
async def opened(
    settings: config.Settings,
    outside: Outside,
    *,
    on_feed: Callable[[pipeline.FeedReport], None] = lambda report: None,
    replaced: Mapping[str, ports.Channel] | None = None,
) -> AsyncIterator[App]:
    """The app over its database, as its one owner; ``replaced`` channels stand in for those of bot.yaml.

    Raises ConfigError, StoreInUse, StoreUnavailable.
    """
    store = storage.open_store(database_of(settings, outside), clock=outside.clock)
    try:
        await store.free_dead_leases()
        app = App(settings, store, outside, on_feed=on_feed, replaced=replaced or {})
        try:
            await app.sync()
            yield app
        finally:
            await app.close()
    finally:
        await store.close()
