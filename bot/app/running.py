"""One running Wirewatch: poll, send, watch the configuration, and stop cleanly."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot import (
    channels,
    config,
    fetch,
    fulltext,
    housekeeping,
    model,
    outbox,
    pipeline,
    ports,
    sealing,
    sources,
    storage,
)
from bot.app.listening import Listening
from bot.app.meters import Meter, Meters
from bot.app.parts import Outside, channel_of, database_of, snapshot_of

if TYPE_CHECKING:
    from bot import web

log = structlog.get_logger("wirewatch")

#: How often due feeds are looked for.
TICK = timedelta(seconds=1)
#: How often the configuration's contents are looked at: bind mounts and config maps raise no events.
WATCH = timedelta(seconds=2)
#: Feeds under way at once, in parts of ``fetch.concurrency``: enough that no slot waits for a slow neighbour.
CLAIM_AHEAD = 4
EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceReport:
    passed: pipeline.PassReport
    drained: outbox.Drained


class App:
    """One running Wirewatch over one store."""

    def __init__(
        self,
        settings: config.Settings,
        store: storage.SqlStore,
        outside: Outside,
        *,
        on_feed: Callable[[pipeline.FeedReport], None],
        replaced: Mapping[str, ports.Channel],
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = outside.clock
        self.snapshot = snapshot_of(settings)
        #: When the configuration was last taken over.
        self.loaded_at = outside.clock.now()
        self._meters = Meters()
        self._outside = outside
        self._on_feed = on_feed
        self._fetcher = outside.fetcher or fetch.HttpFetcher(settings.bot.fetch, outside.clock)
        self._pages = fulltext.TrafilaturaReader(self._fetcher, outside.clock)
        self.deciding = pipeline.Deciding(
            store=store,
            clock=outside.clock,
            window=settings.bot.stories_window,
            on_decided=self._meters.on_decided,
        )
        self.pipeline = pipeline.Pipeline(
            store=store,
            fetcher=self._fetcher,
            read=sources.read,
            pages=self._pages,
            clock=outside.clock,
            concurrency=settings.bot.fetch.concurrency,
            deciding=self.deciding,
            on_feed=self._heard_of_feed,
        )
        self.channels = {
            name: replaced.get(name) or channel_of(settings, name, outside, store) for name in settings.bot.channels
        }
        self.sender = self._new_sender()
        self._sender_stop = asyncio.Event()
        self._listening = Listening(store, outside.clock, snapshot=lambda: self.snapshot, on_decided=self.deciding.tell)
        self._reload = asyncio.Event()

    def _heard_of_feed(self, report: pipeline.FeedReport) -> None:
        self._on_feed(report)
        self._meters.on_feed(report)

    def _new_sender(self) -> outbox.Sender:
        bot = self.settings.bot
        return outbox.Sender(
            self.store,
            self.channels,
            self.clock,
            on_unknown=bot.on_unknown,
            operator=bot.operator,
            on_outcome=self._meters.on_outcome,
        )

    async def once(self, *, everything: bool, drain: timedelta) -> OnceReport:
        """One pass over every due feed, then send what can be sent within ``drain``."""
        token, states = await self.pipeline.claim(limit=EVERYTHING, everything=everything)
        passed = await self.pipeline.run(token, states, self.snapshot)
        drained = await self.sender.drain(drain)
        await sealing.seal_closed_days(self.store, self.clock)
        await housekeeping.trim_when_due(self.store, self.clock, keep=self._keep(), trim=self._trim)
        return OnceReport(passed=passed, drained=drained)

    async def run(
        self,
        stop: asyncio.Event,
        *,
        folder: Path | None = None,
        on_pass: Callable[[pipeline.PassReport], None] = lambda report: None,
        everything: bool = False,
    ) -> None:
        """Poll, match and post until ``stop`` is set; then drain.

        ``folder`` is watched for edits; None: the configuration stays. ``everything``: each tick polls every feed.
        """
        site = self._open_site()
        _leave_out_of_collections()
        async with asyncio.TaskGroup() as group:
            if site:
                group.create_task(site.serve(stop))
            group.create_task(self._send_for_ever(stop))
            others = [group.create_task(self._poll_for_ever(on_pass, everything=everything))]
            hearing = self._listening.run(lambda: channels.listeners(self.channels.values()))
            others.append(group.create_task(hearing))
            others.append(group.create_task(sealing.keep_sealing(self.store, self.clock)))
            trimming = housekeeping.keep_trimming(self.store, self.clock, keep=self._keep, trim=self._trim)
            others.append(group.create_task(trimming))
            if folder:
                others.append(group.create_task(self._watch(folder)))
            await stop.wait()
            self._sender_stop.set()
            for task in others:
                task.cancel()

    def _open_site(self) -> web.Site | None:
        """The status page, where bot.yaml names one; its address and token are those of the start."""
        if self.settings.bot.web is None:
            return None
        from bot import web  # the server and its templates take 0.2 s to import: not for every command

        site = web.open_site(self, self.settings.bot.web, self._outside.environ)
        self.count_with(site.metrics)
        return site

    def count_with(self, meter: Meter) -> None:
        """Tell ``meter`` too of what happens from now on."""
        self._meters.all.append(meter)

    async def _send_for_ever(self, stop: asyncio.Event) -> None:
        """One sender after another: a reload that changes channels ends one and begins the next."""
        while not stop.is_set():
            await self.sender.run(self._sender_stop)
            if not stop.is_set():
                self._sender_stop.clear()

    async def _poll_for_ever(self, on_pass: Callable[[pipeline.PassReport], None], *, everything: bool) -> None:
        room = self.settings.bot.fetch.concurrency * CLAIM_AHEAD
        under_way = 0
        async with self._outside.ticker(TICK) as ticker, asyncio.TaskGroup() as group:

            async def one_pass(token: str, states: list[model.FeedState]) -> None:
                nonlocal under_way
                try:
                    on_pass(await self.pipeline.run(token, states, self.snapshot))
                except ports.StoreError as error:
                    log.error("pass failed", error=str(error))
                finally:
                    under_way -= len(states)

            while True:
                await ticker.next()
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

    def _keep(self) -> timedelta | None:
        """How long things are kept: never shorter than a story is open."""
        bot = self.settings.bot
        return None if bot.keep is None else max(bot.keep, bot.stories_window)

    async def _trim(self, before: datetime) -> Mapping[str, int]:
        return asdict(await storage.trim(self.store, before=before))

    def _note_tick(self, tx: ports.Transaction) -> None:
        tx.notes.put("tick", self.clock.now().isoformat())

    def reload_soon(self) -> None:
        """Look at the configuration now, as on SIGHUP."""
        self._reload.set()

    async def _watch(self, folder: Path) -> None:
        watcher = config.Watcher(
            folder,
            self.settings,
            clock=self.clock,
            environ=self._outside.environ,
            channel_options=channels.options(),
        )
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._reload.wait(), WATCH.total_seconds())
            is_asked = self._reload.is_set()
            self._reload.clear()
            settings = await watcher.look(force=is_asked)
            if settings is not None:
                await self.reload(settings)

    async def reload(self, settings: config.Settings) -> None:
        """Swap the configuration between passes; what is under way ends with the old one. Said once."""
        has_new_channels = settings.bot.channels != self.settings.bot.channels
        self.settings = settings
        self.snapshot = snapshot_of(settings)
        self.loaded_at = self.clock.now()
        _leave_out_of_collections()
        await self.sync()
        if has_new_channels:
            self.channels = {
                name: channel_of(settings, name, self._outside, self.store) for name in settings.bot.channels
            }
            self.sender = self._new_sender()
            self._sender_stop.set()
            self._listening.renew()
        lines = config.render(settings.problems, "text").splitlines()
        log.info("configuration reloaded", rules=len(settings.rules), feeds=len(settings.feeds), problems=len(lines))
        if settings.bot.operator:
            lead = f"Configuration reloaded: {len(settings.rules)} rules, {len(settings.feeds)} feeds."
            notice = pipeline.notice(
                settings.bot.operator, lead, lines, now=self.clock.now(), once=f"reload {settings.version} {lines}"
            )
            await self.store.write(lambda tx: tx.outbox.add([notice]))

    async def sync(self) -> None:
        """Tell the store which feeds are configured."""
        urls = list(self.snapshot.feeds)
        now = self.clock.now()
        await self.store.write(lambda tx: tx.feeds.sync(urls, now=now))

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()
        await self._fetcher.close()


def _leave_out_of_collections() -> None:
    """A hundred thousand rules are walked by every collection of the garbage unless they are set aside."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


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
