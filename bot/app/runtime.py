"""One running Wirewatch: poll, send, watch the configuration, and stop cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__, channels, config, outbox, pipeline, ports, reading, storage
from bot.app import reload
from bot.app.engines import ticker
from bot.app.engines.local import Alone, OnPass
from bot.app.interactions import Listening
from bot.app.observers import Meter, Meters
from bot.app.wiring import Outside, channel_of, database_of, fetcher_of, snapshot_of
from bot.channels import checks
from bot.fetch import fulltext
from bot.maintenance import clock_step, gc_tuning, heartbeat, retention, sealing

if TYPE_CHECKING:
    from bot import web
    from bot.app.engines.cluster import Together

#: Feeds of a single pass that are claimed together: the states of 10,000 are 45 MB.
PORTION = 2_000


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
        process_name: str,
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = outside.clock
        self.snapshot = snapshot_of(settings)
        #: When the configuration was last taken over.
        self.loaded_at = outside.clock.now()
        self.presence = heartbeat.Presence(
            store,
            outside.clock,
            process=f"{process_name}, process {os.getpid()} on {platform.node()}",
            version=__version__,
            is_alone=store.address.is_sqlite,
        )
        self._meters = Meters()
        self._outside = outside
        self._on_feed = on_feed
        self._fetcher = fetcher_of(settings.bot.fetch, outside)
        self._documents = reading.of(settings.bot.fetch)
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
            documents=self._documents,
            pages=self._pages,
            clock=outside.clock,
            concurrency=settings.bot.fetch.concurrency,
            deciding=self.deciding,
            on_feed=self._heard_of_feed,
        )
        self.channels = {
            name: replaced.get(name) or channel_of(settings, name, outside, store) for name in settings.bot.channels
        }
        #: Ends the senders of these channels.
        self._channels_changed = asyncio.Event()
        self._listening = Listening(store, outside.clock, snapshot=lambda: self.snapshot, on_decided=self.deciding.tell)
        #: None: no folder is watched.
        self._reloading: reload.Reloading | None = None

    def _heard_of_feed(self, report: pipeline.FeedReport) -> None:
        self._on_feed(report)
        self._meters.on_feed(report)

    def _new_sender(self, is_ours: Callable[[ports.Channel], bool] = lambda channel: True) -> outbox.Sender:
        bot = self.settings.bot
        return outbox.Sender(
            self.store,
            {name: channel for name, channel in self.channels.items() if is_ours(channel)},
            self.clock,
            on_unknown=bot.on_unknown,
            operator=bot.operator,
            others=list(self.channels),
            on_outcome=self._meters.on_outcome,
        )

    async def once(self, *, everything: bool, drain: timedelta) -> OnceReport:
        """One pass over every due feed, then send what can be sent within ``drain``."""
        await self._heed(await self.presence.begin())
        gc_tuning.spare_collections(lasts=False)
        try:
            passed = await self._pass_over_all(everything=everything)
        finally:
            # What was garbage already is none that is kept for ever.
            gc.unfreeze()
        # First, so that the seal is posted by the same process.
        await sealing.seal_closed_days(self.store, self.clock, post_to=self.seals_go_to())
        drained = await self._new_sender().drain(drain)
        await retention.trim_when_due(self.store, self.clock, keep=self.keep(), trim=self.trim)
        await self.presence.end()
        return OnceReport(passed=passed, drained=drained)

    async def _pass_over_all(self, *, everything: bool) -> pipeline.PassReport:
        now = self.clock.now()
        if everything:
            await self.store.write(lambda tx: tx.feeds.make_due(now=now))
        due = await self.store.read(lambda tx: tx.feeds.count_due(now=now))
        passed = pipeline.PassReport()
        # As many portions as there are now: what a long pass makes due again is the next pass's.
        for _ in range(0, max(due, 1), PORTION):
            token, states = await self.pipeline.claim(limit=PORTION)
            passed.add(await self.pipeline.run(token, states, self.snapshot))
        return passed

    async def run(
        self,
        stop: asyncio.Event,
        *,
        folder: Path | None = None,
        on_pass: OnPass = lambda report: None,
        everything: bool = False,
    ) -> None:
        """Poll, match and post until ``stop`` is set; then drain.

        ``folder`` is watched for edits; None: the configuration stays. ``everything``: each tick polls every feed.
        """
        await self._heed(await self.presence.begin(lives_on=True))
        site = self._open_site()
        gc_tuning.spare_collections(lasts=True)
        async with asyncio.TaskGroup() as group:
            if site:
                group.create_task(site.serve(stop))
            group.create_task(self._engine(on_pass, everything=everything).run(stop))
            hearing = self._listening.run(lambda: channels.listeners(self.channels.values()))
            others = [group.create_task(hearing)]
            if folder:
                self._reloading = reload.Reloading(self, folder, self._outside)
                others.append(group.create_task(self._reloading.run()))
            looking = checks.look(self.channels.values(), on_unknown=self.settings.bot.on_unknown)
            others.append(group.create_task(looking))
            await stop.wait()
            for task in others:
                task.cancel()
        await self.presence.end()

    def _engine(self, on_pass: OnPass, *, everything: bool) -> Alone | Together:
        """What runs the stages, which do not know it."""
        if self.store.address.is_sqlite:
            return Alone(self, on_pass=on_pass, everything=everything)
        # The task engine is an extra of the installation.
        from bot.app.engines import cluster

        return cluster.of(self, database_of(self.settings, self._outside), on_pass=on_pass)

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

    @property
    def ticker(self) -> Callable[[timedelta], ticker.Ticks]:
        return self._outside.ticker

    async def send(
        self, over: asyncio.Event, *, is_ours: Callable[[ports.Channel], bool] = lambda channel: True
    ) -> None:
        """Send for ever; after ``over`` what is due is still sent.

        One sender after another: a reload that changes channels ends one and begins the next.
        """
        while not over.is_set():
            ending = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                watching = [group.create_task(_pass_on(event, ending)) for event in (over, self._channels_changed)]
                await self._new_sender(is_ours).run(ending)
                for task in watching:
                    task.cancel()

    def keep(self) -> timedelta | None:
        """How long things are kept: never shorter than a story is open."""
        bot = self.settings.bot
        return None if bot.keep is None else max(bot.keep, bot.stories_window)

    def seals_go_to(self) -> str | None:
        """The channel for the ledger's seals; None: the log only."""
        bot = self.settings.bot
        return bot.operator if bot.posts_seals else None

    async def trim(self, before: datetime) -> Mapping[str, int]:
        return asdict(await storage.trim(self.store, before=before))

    async def note_tick(self) -> None:
        await self._heed(await self.presence.tick())

    async def _heed(self, by: timedelta | None) -> None:
        if by is not None:
            await clock_step.heed(self.store, by=by, now=self.clock.now(), operator=self.settings.bot.operator)

    def reload_soon(self) -> None:
        """Look at the configuration now, as on SIGHUP."""
        if self._reloading is not None:
            self._reloading.soon()

    async def reload(self, settings: config.Settings) -> None:
        """Swap the configuration between passes; what is under way ends with the old one. Said once."""
        has_new_channels = settings.bot.channels != self.settings.bot.channels
        self.settings = settings
        self.snapshot = snapshot_of(settings)
        self.loaded_at = self.clock.now()
        gc_tuning.spare_collections(lasts=True)
        await self.sync()
        if has_new_channels:
            old = self.channels
            self.channels = {
                name: channel_of(settings, name, self._outside, self.store) for name in settings.bot.channels
            }
            self._channels_changed.set()
            self._channels_changed = asyncio.Event()
            self._listening.renew()
            for channel in old.values():
                await channel.close()
        await reload.announce(self.store, settings, now=self.clock.now())

    async def sync(self) -> None:
        """Tell the store which feeds are configured."""
        urls = list(self.snapshot.feeds)
        now = self.clock.now()
        await self.store.write(lambda tx: tx.feeds.sync(urls, now=now))

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()
        await self._documents.close()
        await self._fetcher.close()


async def _pass_on(event: asyncio.Event, to: asyncio.Event) -> None:
    await event.wait()
    to.set()


@asynccontextmanager
async def opened(
    settings: config.Settings,
    outside: Outside,
    *,
    on_feed: Callable[[pipeline.FeedReport], None] = lambda report: None,
    replaced: Mapping[str, ports.Channel] | None = None,
    process_name: str = "wirewatch",
) -> AsyncIterator[App]:
    """The app over its database, as its one owner; ``replaced`` channels stand in for those of bot.yaml;
    ``process_name`` is what a second process is told of us, and the ledger.

    Raises ConfigError, StoreInUse, StoreUnavailable.
    """
    store = storage.open_store(database_of(settings, outside), clock=outside.clock, process_name=process_name)
    try:
        await store.free_dead_leases()
        app = App(settings, store, outside, on_feed=on_feed, replaced=replaced or {}, process_name=process_name)
        try:
            await app.sync()
            yield app
        finally:
            await app.close()
    finally:
        await store.close()
