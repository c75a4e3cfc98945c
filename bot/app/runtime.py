"""One running Wirewatch: poll, send, watch the configuration, and stop cleanly."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot import channels, config, model, storage
from bot.alerts import notices
from bot.app import pushes, reload
from bot.app.assisting import Assisting
from bot.app.chat import Interactions
from bot.app.engines.local import LocalEngine
from bot.app.engines.stages import Engine, Stages
from bot.app.environment import Environment, broken_plugins, database_of, kinds
from bot.app.sending import Sending
from bot.app.wiring import Live, Parts, live_of, parts_of
from bot.channels import checks
from bot.feeds import outlets
from bot.model import memory
from bot.model.runtime import TaskGroup, retry_until_stored
from bot.pipeline import keep, send
from bot.pipeline.reports import FeedReport, Observer, PassReport
from bot.pipeline.snapshot import Snapshot
from bot.storage import keys

if TYPE_CHECKING:
    from bot import web
    from bot.app.chat import Asking

log = structlog.get_logger("wirewatch")

#: Feeds of a single pass that are claimed together: the states of 10,000 are 45 MB.
PORTION = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceReport:
    """What ``wirewatch once`` did."""

    passed: PassReport
    drained: send.Drained


class App:
    """One running Wirewatch over one store: the parts stay, what is live is swapped by a reload."""

    def __init__(self, parts: Parts, live: Live) -> None:
        self.parts = parts
        self.live = live
        self._sending = Sending(
            parts.store,
            parts.clock,
            live=live,
            observer=parts.observers,
            beside=self._hear_alone,
        )
        self._listening = Interactions(
            parts.store,
            parts.clock,
            snapshot=lambda: self.live.snapshot,
            on_decided=parts.deciding.tell,
            on_asked=self._answer,
        )
        self._asking: Asking | None = None
        self._assisting = Assisting(
            parts.store,
            parts.clock,
            live=live,
            deciding=parts.deciding,
            observers=parts.observers,
            environ=parts.environment.environ,
        )
        #: An outage of the database that is over and not yet reported to the operator.
        self._past_outage: storage.Outage | None = None
        parts.store.on_outage = self._on_outage
        #: None: no folder is watched.
        self._reloading: reload.Reloader | None = None

    # What the status page looks at.

    @property
    def settings(self) -> config.Settings:
        """The configuration in force."""
        return self.live.settings

    @property
    def snapshot(self) -> Snapshot:
        """The same, as the pipeline reads it."""
        return self.live.snapshot

    @property
    def loaded_at(self) -> datetime:
        """Time of the last successful reload of the configuration."""
        return self.live.loaded_at

    @property
    def store(self) -> storage.Store:
        """The archive, open."""
        return self.parts.store

    @property
    def clock(self) -> model.Clock:
        """The time of every decision."""
        return self.parts.clock

    async def once(self, *, everything: bool, drain: timedelta) -> OnceReport:
        """One pass over every due feed, then send what can be sent within ``drain``. Raises StoreUnavailable."""
        await self.parts.heartbeat.begin(operator=self.settings.bot.operator)
        memory.spare_collections(lasts=False)
        try:
            passed = await self._pass_over_all(everything=everything)
            passed.decisions.extend(await self._assisting.settle())
        finally:
            # What was set aside for the pass is looked at again: its garbage must not stay for ever.
            gc.unfreeze()
        drained = await self._sending.drain(drain)
        await self._maintain()
        await self.parts.heartbeat.end()
        return OnceReport(passed=passed, drained=drained)

    async def _pass_over_all(self, *, everything: bool) -> PassReport:
        now = self.clock.now()
        if everything:
            await self.store.write(lambda tx: tx.feeds.make_due(now=now))
        due = await self.store.read(lambda tx: tx.feeds.count_due(now=now))
        passed = PassReport()
        # As many portions as there are now: what a long pass makes due again is the next pass's.
        for _ in range(0, max(due, 1), PORTION):
            token, states = await self.parts.pipeline.claim(limit=PORTION)
            passed.add(await self.parts.pipeline.run(token, states, self.live.snapshot))
        return passed

    async def run(
        self,
        stop: asyncio.Event,
        *,
        folder: Path | None = None,
        on_pass: Callable[[PassReport], None] = lambda report: None,
        everything: bool = False,
    ) -> None:
        """Poll, match and post until ``stop`` is set; then drain.

        ``folder`` is watched for edits; None: the configuration stays. ``everything``: each tick polls every feed.
        """
        await self.parts.heartbeat.begin(lives_on=True, operator=self.settings.bot.operator)
        site = self._open_site()
        for broken in broken_plugins():
            log.warning("plug-in not loaded", plug_in=broken.name, package=broken.package, why=broken.why)
        memory.spare_collections(lasts=True)
        async with TaskGroup() as group:
            if site:
                group.create_task(site.serve(stop))
            group.create_task(self._engine(on_pass, everything=everything).run(stop))
            hearing = self._listening.run(lambda: channels.listeners(self.live.channels.values()))
            others = [group.create_task(hearing), group.create_task(self._assisting.run())]
            if folder:
                self._reloading = reload.Reloader(
                    folder,
                    self.live.settings,
                    clock=self.clock,
                    environ=self.parts.environment.environ,
                    kinds=kinds(),
                    take_over=self.reload,
                )
                others.append(group.create_task(self._reloading.run()))
            looking = checks.check_all(self.live.channels.values())
            others.append(group.create_task(looking))
            mailboxes = pushes.Mailboxes(
                self.store,
                self.clock,
                self.parts.fetcher,
                live=self.live,
                is_alone=self.store.address.is_sqlite,
            )
            others.append(group.create_task(mailboxes.run()))
            hubs = pushes.Hubs(
                self.store,
                self.clock,
                self.parts.fetcher,
                public_url=lambda: self.settings.bot.public_url,
                feeds=lambda: self.live.snapshot.feeds,
            )
            others.append(group.create_task(hubs.run()))
            await stop.wait()
            for task in others:
                task.cancel()
        await self.parts.heartbeat.end()

    async def _hear_alone(self, ours: Sequence[model.Channel]) -> None:
        """What people do in channels that one process at a time listens to."""
        await self._listening.run_alone(channels.listeners(ours))

    async def _answer(self, asked: model.ChatRequest, channels: Sequence[str]) -> model.Message:
        if self._asking is None:
            from bot.app.chat import Asking  # imports all that answers programs, which most runs never need

            self._asking = Asking(self)
        return await self._asking.answer(asked, channels=channels)

    def _engine(self, on_pass: Callable[[PassReport], None], *, everything: bool) -> Engine:
        """What runs the stages, which do not know it: chosen by the database's address."""
        stages = Stages(
            store=self.store,
            clock=self.clock,
            pipeline=self.parts.pipeline,
            live=self.live,
            note_tick=self._note_tick,
            send=self._sending.send,
            maintain=self._maintain,
            on_pass=on_pass,
        )
        environment = self.parts.environment
        if self.store.address.is_sqlite:
            return LocalEngine(stages, tick_every=environment.tick_every, everything=everything)
        # The task engine is an extra of the installation.
        from bot.app.engines.cluster import ClusterEngine

        return ClusterEngine(
            stages,
            deciding=self.parts.deciding,
            heart=self.parts.heartbeat,
            conninfo=storage.libpq_address(database_of(self.live.settings, environment)),
        )

    def _open_site(self) -> web.Site | None:
        """The status page, where bot.yaml names one; its address and token are those of the start."""
        wanted = self.live.settings.bot.web
        if wanted is None:
            return None
        from bot.web import open_site  # the server and its templates take 0.2 s to import: not for every command

        site = open_site(self, wanted, self.parts.environment.environ)
        self.count_with(site.metrics)
        return site

    def count_with(self, observer: Observer) -> None:
        """Tell ``observer`` too of what happens from now on."""
        self.parts.observers.all.append(observer)

    async def _maintain(self) -> bool:
        return await keep.trim_when_due(self.store, self.clock, keep=self.live.keep)

    async def _note_tick(self) -> None:
        outage, operator = self._past_outage, self.settings.bot.operator
        await self.parts.heartbeat.tick(operator=operator)
        if outage is not None:
            if operator:
                await self.store.write(lambda tx: _report_outage(tx, outage, channel=operator))
            self._past_outage = None

    def _on_outage(self, outage: storage.Outage) -> None:
        if outage.until is None:
            log.error("database unavailable; waiting for it", error=outage.reason)
            return
        log.info("database available again", seconds=round((outage.until - outage.since).total_seconds(), 1))
        self._past_outage = outage

    def reload_soon(self) -> None:
        """Look at the configuration now, as on SIGHUP."""
        if self._reloading is not None:
            self._reloading.soon()

    async def reload(self, settings: config.Settings) -> None:
        """Swap the configuration between passes; what is under way ends with the old one. Said once."""
        channels_before, before, now = self.live.channels, self.settings.bot, settings.bot
        # Their messages show times in the zone that they were built with.
        kept = channels_before if (now.channels, now.timezone) == (before.channels, before.timezone) else None
        self.live.take_over(live_of(settings, self.parts.environment, self.store, given=kept))
        memory.spare_collections(lasts=True, replaces=True)
        await retry_until_stored(self.begin, self.clock)
        if kept is None:
            self._sending.renew()
            self._listening.renew()
            for channel in channels_before.values():
                await channel.close()
        await retry_until_stored(lambda: reload.announce(self.store, settings, now=self.clock.now()), self.clock)

    async def begin(self) -> None:
        """Apply the configuration in force to the feeds and the language model. Raises StoreUnavailable."""
        await self.sync()
        await self._assisting.renew()

    async def sync(self) -> None:
        """Tell the store which feeds are configured, and whose voice each of them is."""
        feeds = self.live.snapshot.feeds
        now = self.clock.now()
        since = now - self.settings.bot.stories.window

        def owner_of(feed: str, link: str) -> str | None:
            return outlets.owner_of(feeds[feed], link) if feed in feeds else None

        def work(tx: storage.Transaction) -> None:
            tx.feeds.sync(list(feeds), now=now)
            tx.subscriptions.keep(feeds.keys())
            # For `wirewatch status`, which can read the files as they are now only.
            keys.KEPT_RULES.put(tx, json.dumps(self.settings.kept))
            # Open stories count owners: those that an earlier version or configuration gave may be others.
            if tx.articles.correct_owners(owner_of, since=since):
                tx.decision_queue.note_change()

        await self.store.write(work)

    async def close(self) -> None:
        """Close all but the store, which was open before."""
        for channel in self.live.channels.values():
            await channel.close()
        await self._assisting.close()
        await self.parts.documents.close()
        await self.parts.fetcher.close()


def _report_outage(tx: storage.Transaction, outage: storage.Outage, *, channel: str) -> None:
    """Tell the operator; of several workers that met the same outage, one does."""
    reported = keys.OUTAGE.get(tx)
    until = outage.until or outage.last_failure
    if reported is None or reported < outage.since:
        keys.OUTAGE.put(tx, until)
        notice = notices.database_was_unavailable(outage.reason, since=outage.since, until=until)
        tx.outbox.add([notices.notice_row(notice, channel=channel, now=until)])


@asynccontextmanager
async def opened(
    settings: config.Settings,
    environment: Environment,
    *,
    on_feed: Callable[[FeedReport], None] = lambda report: None,
    replaced: Mapping[str, model.Channel] | None = None,
    process_name: str = "wirewatch",
) -> AsyncIterator[App]:
    """The app over its database, as its one owner; ``replaced`` channels stand in for those of bot.yaml;
    ``process_name`` is what a second process is told of us, and the ledger.

    Raises ConfigError, StoreInUse, StoreUnavailable.
    """
    store = storage.open_store(database_of(settings, environment), clock=environment.clock, process_name=process_name)
    try:
        await store.free_dead_leases()
        parts = parts_of(settings, environment, store, on_feed=on_feed, process_name=process_name)
        app = App(parts, live_of(settings, environment, store, given=replaced))
        try:
            await app.begin()
            yield app
        finally:
            await app.close()
    finally:
        await store.close()
