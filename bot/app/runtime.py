"""One running Wirewatch: poll, send, watch the configuration, and stop cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from bot import __version__, channels, config, notices, storage
from bot.aio import Failure, TaskGroup, retry_until_stored, supervise
from bot.app.environment import Environment, broken_plugins, database_of, kinds
from bot.app.jobs import Job, guard, in_turn, run_jobs
from bot.app.wiring import Assisting, Interactions, Live, Observers, channels_of, fetcher_of
from bot.channels import checks
from bot.config import watching
from bot.durations import Clock, is_recent
from bot.feeds import links
from bot.fetch import fulltext, parsing, slots
from bot.model.channels import Channel, ChatMessage, ChatRequest, Delivery
from bot.model.errors import SendError, StoreError, StoreInUse
from bot.model.feeds import FeedHealth
from bot.pipeline import keep, quarantine, retry
from bot.pipeline.audit import Auditor
from bot.pipeline.decide import Decider
from bot.pipeline.keep import Heartbeat
from bot.pipeline.passes import Pipeline
from bot.pipeline.poll import Poller
from bot.pipeline.quarantine import POSTING
from bot.pipeline.reports import FeedReport, Observer, PassReport
from bot.pipeline.send import ATTEMPT_TIMEOUT, Drained, Sender
from bot.storage import keys

if TYPE_CHECKING:
    from bot.chat import ChatCommands
    from bot.web.server import Site

log = structlog.get_logger("wirewatch")

#: Maximum feeds that ``App.once`` claims at a time; limits memory (the states of 10,000 feeds take 45 MB).
PORTION = 2_000
#: Number of new objects between two garbage collections. Python's default of 700 suits small programs. A number above
#: 20,000 saves no further time.
OBJECTS_A_COLLECTION = 20_000
#: Maximum open files of this process, if the system allows as many.
MOST_FILES = 65_536
#: Maximum articles that one transaction adds to an index of words that is built again.
INDEXED = 200
#: How long a start waits for the process that owns the database: a bot that ends needs ten seconds, and
#: ``wirewatch once`` a minute.
OWNER_WAIT = timedelta(seconds=60)
#: How long the identity of a new article stays reserved. By then, the transaction that adds the article has ended, and
#: other workers can see its rows.
GUARDED = timedelta(hours=1)
#: An outage of the whole database is reported to the operator after this time.
OUTAGE_NOTICE_AFTER = timedelta(seconds=15)
#: Interval between two notices that the database fails in part.
PARTIAL_OUTAGE_EVERY = timedelta(hours=1)


class Engine(Protocol):
    """Runs the stages of an app, in one process or in many."""

    @property
    def jobs(self) -> Sequence[Job]:
        """The periodic work of the stages."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run the rest of the stages until ``stop`` is set."""


class OnceReport(msgspec.Struct, frozen=True, kw_only=True):
    """Result of ``wirewatch once``."""

    passed: PassReport
    drained: Drained
    #: Whether feeds were polled, and every configured feed fails.
    all_feeds_fail: bool
    #: The stages that fail on everything, so that nothing is posted.
    stopped: Sequence[Failure] = ()


class App:
    """One running Wirewatch over one store. A reload replaces the contents of ``live``; everything else stays."""

    def __init__(
        self,
        settings: config.Settings,
        environment: Environment,
        store: storage.Store,
        *,
        on_feed: Callable[[FeedReport], None],
        replaced: Mapping[str, Channel] | None,
        process_name: str,
    ) -> None:
        """Create the stages over an open store without starting any. ``opened`` explains the parameters."""
        clock, fetch = environment.clock, settings.bot.fetch
        self.environment = environment
        #: The open archive.
        self.store = store
        #: The clock that every decision uses.
        self.clock = clock
        self.live = Live(
            settings=settings,
            channels=channels_of(settings, environment, store, replaced=replaced),
            loaded_at=clock.now(),
        )
        self.observers = Observers(on_feed)
        self.heartbeat = Heartbeat(
            store,
            clock,
            process=f"{process_name}, process {os.getpid()} on {platform.node()}",
            is_alone=store.address.is_sqlite,
        )
        self.fetcher = fetcher_of(fetch, environment)
        #: Parses documents outside the event loop.
        self.documents = parsing.make_reader(fetch)
        self.decider = Decider(store=store, clock=clock, observer=self.observers, encode=self.documents.encode)
        self.pipeline = Pipeline(
            store=store,
            clock=clock,
            poller=Poller(
                fetcher=self.fetcher,
                documents=self.documents,
                pages=fulltext.TrafilaturaReader(self.fetcher, clock, extract=self.documents.text_of_page),
                store=store,
                clock=clock,
            ),
            decider=self.decider,
            memory=slots.MemoryRoom(),
            concurrency=fetch.concurrency,
            observer=self.observers,
        )
        self._auditor = Auditor(store=store, clock=clock, poller=self.pipeline.poller, meaning=self.decider.meaning)
        self._listening = Interactions(
            store, clock, live=self.live, on_decided=self.decider.report, on_question=self._answer
        )
        self._assisting = Assisting(store, environment, live=self.live, decider=self.decider, observers=self.observers)
        #: Name of a long-lived task -> its last failure.
        self.task_failures: dict[str, Failure] = {}
        #: The failures that `wirewatch status` reads from the database.
        self._noted_failures: Sequence[Failure] = []
        #: The current outage of the database, until it is over or its beginning is reported to the operator.
        self._new_outage: storage.Outage | None = None
        #: The last outage of the database, if it is over but not yet reported to the operator.
        self._past_outage: storage.Outage | None = None
        store.on_outage = self._on_outage
        self._is_reload_requested = False
        #: The stages that stop everything, and that were reported to the operator.
        self._stopped: Mapping[str, Failure] = {}

    # The status page reads these properties (queries.registry.Watched).

    @property
    def settings(self) -> config.Settings:
        """The configuration in force."""
        return self.live.settings

    @property
    def loaded_at(self) -> datetime:
        """Time at which the configuration was last loaded."""
        return self.live.loaded_at

    @property
    def failures(self) -> Sequence[Failure]:
        """The long-lived tasks and the stages of deciding that fail now."""
        now = self.clock.now()
        tasks = [entry for entry in self.task_failures.values() if entry.is_current(now)]
        stages = [self.pipeline.failing, *(stage.failing for stage in self.decider.stages)]
        return [*tasks, *filter(None, stages)]

    @cached_property
    def _chat_commands(self) -> ChatCommands:
        # Import on first use, because `wirewatch once` answers no questions.
        from bot.chat import ChatCommands

        return ChatCommands(self)

    async def _answer(self, question: ChatRequest, of_channels: Sequence[str]) -> Sequence[ChatMessage]:
        return await self._chat_commands.answer(question, of_channels)

    async def once(self, *, everything: bool, drain: timedelta) -> OnceReport:
        """Run one pass over all due feeds, then send for at most ``drain``. If ``everything``, all feeds are due.

        Raises StoreUnavailable.
        """
        await self.heartbeat.begin(operator=self.settings.bot.operator)
        await self.fill_search_index()
        await self.tend_quarantine()
        await self._assisting.prepare()
        passed = await self._pass_over_all(everything=everything)
        passed.decisions.extend(await self._assisting.settle())
        await self.tend_quarantine()
        await self.report_trouble()
        drained = await self._sender(self.live.channels).drain(drain)
        await self.maintain()
        await self.audit()
        health = await self.store.read(lambda tx: tx.feeds.counts().keys())
        await self.heartbeat.end()
        all_feeds_fail = bool(passed.feeds) and health <= {FeedHealth.FAILING, FeedHealth.GONE}
        stopped = [failure for failure in self.failures if failure.name in POSTING]
        return OnceReport(passed=passed, drained=drained, all_feeds_fail=all_feeds_fail, stopped=stopped)

    async def _pass_over_all(self, *, everything: bool) -> PassReport:
        now = self.clock.now()
        if everything:
            await self.store.write(lambda tx: tx.feeds.make_due(now=now))
        due = await self.store.read(lambda tx: tx.feeds.count_due(now=now))
        passed = PassReport()
        # Count the portions only once, so that feeds that become due during a long pass wait for the next pass.
        for _ in range(0, max(due, 1), PORTION):
            token, states = await self.pipeline.claim(limit=PORTION)
            passed.add(await self.pipeline.run(token, states, self.live.settings))
        return passed

    async def run(self, stop: asyncio.Event, engine: Engine, *, folder: Path | None = None) -> None:
        """Poll, match and post until ``stop`` is set; then drain. Wait if the database is unavailable.

        If ``folder`` is not None, reload the configuration when its files change.
        """

        async def begin() -> None:
            await self.begin()
            await self.heartbeat.begin(writes_heartbeats=True, operator=self.settings.bot.operator)

        raise_file_limit()
        site = self._open_site()
        for broken in broken_plugins():
            log.warning("plug-in not loaded", plug_in=broken.name, package=broken.package, why=broken.why)
        spare_collections(lasts=True)
        async with TaskGroup() as group:
            if site:
                group.create_task(supervise("web", lambda: site.serve(stop), self.clock, self.task_failures))
            await supervise("start", begin, self.clock, self.task_failures, over=stop)
            group.create_task(engine.run(stop))
            jobs = [guard(job, self.clock, self.task_failures) for job in self._jobs(engine, folder)]
            group.create_task((self.environment.run_jobs or run_jobs)(jobs, stop))
            works: dict[str, Callable[[], Awaitable[None]]] = {
                "buttons": lambda: self._listening.run(lambda: channels.listeners(self.live.channels.values())),
                "language model": self._assisting.run,
                "checks of channels": lambda: checks.check_all(self.live.channels.values()),
            }
            tasks = [
                group.create_task(supervise(name, work, self.clock, self.task_failures)) for name, work in works.items()
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()
        await self.heartbeat.end()

    def _jobs(self, engine: Engine, folder: Path | None) -> list[Job]:
        """Return the periodic work. Without a folder, the configuration is not watched."""
        seconds, minutes = timedelta(seconds=1), timedelta(minutes=1)
        jobs = [
            *engine.jobs,
            Job(name="trouble", every=1 * seconds, work=self.report_trouble),
            Job(name="outage", every=5 * seconds, work=self.announce_outage),
            Job(name="quarantine", every=10 * seconds, work=self.tend_quarantine, is_shared=True),
            Job(name="search index", every=10 * seconds, work=self.fill_search_index, is_shared=True),
            Job(name="keep", every=10 * minutes, work=self.maintain, is_shared=True),
            Job(name="audit", every=1 * minutes, work=self.audit, is_shared=True),
        ]
        if folder:
            environ = self.environment.environ
            watcher = watching.Watcher(folder, self.settings, clock=self.clock, environ=environ, kinds=kinds())
            # Bind mounts and config maps raise no events for changed files.
            jobs.append(Job(name="configuration", every=2 * seconds, work=lambda: self._look_for_edits(watcher)))
        if self.store.address.is_sqlite:
            return jobs
        process = self.heartbeat.process
        return [in_turn(job, self.store, self.clock, process=process) if job.is_shared else job for job in jobs]

    async def send(self, over: asyncio.Event, *, is_ours: Callable[[Channel], bool] = lambda channel: True) -> None:
        """Send until ``over`` is set, then send the messages that are due.

        Send only to channels for which ``is_ours`` is true.
        """
        while not over.is_set():
            ending = asyncio.Event()
            async with TaskGroup() as group:
                watching = [group.create_task(_pass_on(event, ending)) for event in (over, self.live.channels_changed)]
                ours = {name: channel for name, channel in self.live.channels.items() if is_ours(channel)}
                # A listener that only one process may run is run by the process that sends to its channel.
                watching.append(group.create_task(self._listening.run_alone(channels.listeners(ours.values()))))
                await self._sender(ours).run(ending)
                for task in watching:
                    task.cancel()

    def _sender(self, ours: Mapping[str, Channel]) -> Sender:
        return Sender(self.store, ours, self.clock, settings=lambda: self.live.settings, observer=self.observers)

    async def _look_for_edits(self, watcher: watching.Watcher) -> None:
        is_requested, self._is_reload_requested = self._is_reload_requested, False
        settings = await watcher.look(force=is_requested)
        if settings is not None:
            await self.reload(settings)

    def _open_site(self) -> Site | None:
        """Return the status page, or None if bot.yaml has no ``web``. A reload keeps the page's address and token."""
        web_settings = self.live.settings.bot.web
        if web_settings is None:
            return None
        from bot.web.server import open_site  # costs start-up: FastAPI, the server and its templates take 0.5 s

        site = open_site(self, web_settings, self.environment.environ)
        self.add_observer(site.metrics)
        return site

    def add_observer(self, observer: Observer) -> None:
        """Add an observer of polls, decisions, sends and model calls."""
        self.observers.all.append(observer)

    async def maintain(self) -> bool:
        """Delete rows past their retention, at most once a day. Return whether it ran. Raises StoreUnavailable."""
        cutoff = self.clock.now() - GUARDED
        await self.store.write(lambda tx: tx.articles.forget_fresh(before=cutoff))
        return await keep.trim_when_due(self.store, self.clock, keep=self.live.keep)

    async def tend_quarantine(self) -> None:
        """Retry requested pieces, and report those that were set aside. Raises StoreError."""
        settings, now = self.live.settings, self.clock.now()
        await retry.retry_requested(self.store, settings, now=now)
        if await self.store.read(lambda tx: tx.quarantine.unreported()):
            await self.store.write(lambda tx: quarantine.report(tx, settings, now=now))

    async def fill_search_index(self) -> None:
        """Fill the search index if it was emptied because it was damaged. Raises StoreError."""
        if not await self.store.read(lambda tx: tx.search.is_incomplete()):
            return
        if operator := self.settings.bot.operator:
            row = notices.notice_row(notices.index_rebuilt(now := self.clock.now()), channel=operator, now=now)
            await self.store.write(lambda tx: tx.outbox.add([row]))
        while await self.store.read(lambda tx: tx.search.is_incomplete()):
            await self.store.write(lambda tx: tx.search.fill(limit=INDEXED))

    async def audit(self) -> None:
        """Ask outside indexes about audited rules, as far as questions are due. Raises StoreUnavailable."""
        if self.settings.audit_searches:
            await self._auditor.run(self.settings)

    async def report_trouble(self) -> None:
        """Store what fails now, and report a partial or past outage to the operator. Raises StoreUnavailable."""
        outage, operator, failures = self._past_outage, self.settings.bot.operator, self.failures
        if failures != self._noted_failures:
            stored = keys.failures(self.heartbeat.process)
            await self.store.write(lambda tx: stored.put(tx, tuple(failures)) if failures else stored.clear(tx))
            self._noted_failures = failures
        await self._report_stops(failures)
        # Nothing can be reported while all writes fail. If only some fail, the outbox may work.
        new_outage, now = self._new_outage, self.clock.now()
        if new_outage is not None and new_outage.is_partial:
            # If the outbox fails too, the next report tries again.
            with suppress(StoreError):
                if operator:
                    await self.store.write(lambda tx: _report_partial_outage(tx, new_outage, channel=operator, now=now))
                self._new_outage = None
        if outage is not None:
            if operator:
                await self.store.write(lambda tx: _report_outage(tx, outage, channel=operator))
            self._past_outage = None

    async def _report_stops(self, failures: Sequence[Failure]) -> None:
        """Report which stages stop everything, and which of them work again. Raises StoreUnavailable."""
        stopped = {failure.name: failure for failure in failures if failure.name in POSTING}
        begun = [failure for name, failure in stopped.items() if name not in self._stopped]
        over = [failure for name, failure in self._stopped.items() if name not in stopped]
        operator, now = self.settings.bot.operator, self.clock.now()

        def work(tx: storage.Transaction) -> None:
            for failure in begun:
                # `once` from cron may find the same failure every few minutes.
                reported_at = keys.stop_reported(failure.name)
                if operator is not None and not is_recent(reported_at.get(tx), quarantine.NOTICE_EVERY, now):
                    tx.outbox.add([notices.notice_row(notices.stage_stopped(failure), channel=operator, now=now)])
                    reported_at.put(tx, now)
            for failure in over:
                keys.stop_reported(failure.name).clear(tx)
                if operator is not None:
                    tx.outbox.add([notices.notice_row(notices.stage_works_again(failure), channel=operator, now=now)])

        if begun or over:
            await self.store.write(work)
        self._stopped = stopped

    async def announce_outage(self) -> None:
        """Report to the operator that the whole database cannot be used, through the channel without the outbox."""
        outage, operator, now = (
            self._new_outage,
            self.live.channels.get(self.settings.bot.operator or ""),
            self.clock.now(),
        )
        if outage is None or operator is None or outage.is_partial or outage.until is not None:
            return
        if now - outage.since < OUTAGE_NOTICE_AFTER:
            return
        process = self.heartbeat.process
        notice = notices.database_is_unavailable(outage.reason, since=outage.since, process=process)
        row = notices.notice_row(notice, channel=operator.name, now=now)
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT.total_seconds()):
                await operator.send(Delivery(id=row.id, message=row.message))
        except (SendError, StoreError, TimeoutError) as error:
            log.warning("outage not reported; the next run tries again", channel=operator.name, error=str(error))
        else:
            self._new_outage = None

    def _on_outage(self, outage: storage.Outage) -> None:
        if outage.until is None:
            log.error("database unavailable; waiting for it", error=outage.reason)
            self._new_outage = outage
            return
        self._new_outage = None
        log.info("database available again", seconds=round((outage.until - outage.since).total_seconds(), 1))
        self._past_outage = outage

    def reload_soon(self) -> None:
        """Load the configuration files at the next look, even if they have not changed."""
        self._is_reload_requested = True

    async def reload(self, settings: config.Settings) -> None:
        """Replace the configuration and report the reload. Running passes finish with the old configuration."""
        old_channels, old, new = self.live.channels, self.settings.bot, settings.bot
        # A channel cannot change its time zone, so a new zone needs new channels.
        kept = old_channels if (new.channels, new.timezone) == (old.channels, old.timezone) else None
        channels = channels_of(settings, self.environment, self.store, replaced=kept)
        self.live.replace(settings, channels, now=self.clock.now())
        spare_collections(lasts=True, replaces=True)
        await retry_until_stored(self.begin, self.clock)
        if kept is None:
            for channel in old_channels.values():
                await channel.close()
        await retry_until_stored(lambda: announce_reload(self.store, settings, now=self.clock.now()), self.clock)

    async def begin(self) -> None:
        """Apply the configuration in force to the feeds and the language model. Raises StoreUnavailable."""
        await self.sync()
        await self.store.write(lambda tx: tx.quarantine.request_retry(unless_version=__version__))
        await self._assisting.renew()

    async def sync(self) -> None:
        """Store the list of configured feeds, and correct the owners of recent articles."""
        feeds = self.live.settings.feeds_by_address
        now = self.clock.now()
        since = now - self.settings.bot.stories.window

        def owner_of(feed: str, link: str) -> str | None:
            return links.owner_of(feeds[feed], link) if feed in feeds else None

        def work(tx: storage.Transaction) -> None:
            tx.feeds.sync(list(feeds), now=now)
            # Store the rules that keep an old version, because `wirewatch status` reads only the current files.
            keys.KEPT_RULES.put(tx, tuple(self.settings.kept))
            # Open stories count owners, so a turn in progress is invalid if the new configuration changes an owner.
            if tx.articles.correct_owners(owner_of, since=since):
                tx.decision_queue.note_change()

        await self.store.write(work)

    async def close(self) -> None:
        """Close everything except the store."""
        for channel in self.live.channels.values():
            await channel.close()
        await self._assisting.close()
        await self.documents.close()
        await self.fetcher.close()


def raise_file_limit() -> None:
    """Let this process open as many files and sockets as the system allows. Many systems begin with 1,024."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS refuses more than a limit that it does not name; then the old one stays.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit, min(most, MOST_FILES)), most))


def spare_collections(*, lasts: bool, replaces: bool = False) -> None:
    """Exclude existing objects, such as a hundred thousand rules, from garbage collection, and collect less often.

    It changes the whole process, so only what owns the process calls it: a command or ``App.run``. With Python's
    default, a batch of first polls would spend a sixth of its time in collections. In a process that keeps running
    (``lasts``), collect garbage first, so that none is excluded for good. After a new configuration was loaded
    (``replaces``), stop excluding the objects of the previous one.
    """
    gc.set_threshold(OBJECTS_A_COLLECTION)
    if replaces:
        gc.unfreeze()
    if lasts:
        gc.collect()
    gc.freeze()


def _report_outage(tx: storage.Transaction, outage: storage.Outage, *, channel: str) -> None:
    """Notify the operator of an outage, unless another worker has reported it."""
    reported = keys.OUTAGE.get(tx)
    until = outage.until or outage.last_failure
    if reported is None or reported < outage.since:
        keys.OUTAGE.put(tx, until)
        notice = notices.database_was_unavailable(outage.reason, since=outage.since, until=until)
        tx.outbox.add([notices.notice_row(notice, channel=channel, now=until)])


def _report_partial_outage(tx: storage.Transaction, outage: storage.Outage, *, channel: str, now: datetime) -> None:
    """Notify the operator that the database fails in part, at most once an hour."""
    if is_recent(keys.PARTIAL_OUTAGE.get(tx), PARTIAL_OUTAGE_EVERY, now):
        return
    keys.PARTIAL_OUTAGE.put(tx, now)
    notice = notices.database_fails_in_part(outage.reason, since=outage.since)
    tx.outbox.add([notices.notice_row(notice, channel=channel, now=now)])


async def _pass_on(event: asyncio.Event, to: asyncio.Event) -> None:
    await event.wait()
    to.set()


async def announce_reload(store: storage.Store, settings: config.Settings, *, now: datetime) -> None:
    """Log a reload and notify the operator. Several workers send only one notice for the same edit.

    Raises StoreUnavailable.
    """
    rules, feeds, problems = len(settings.rules), len(settings.feeds), settings.problems
    if settings.bot.operator:
        notice = notices.configuration_reloaded(
            rules=rules,
            feeds=feeds,
            kept=len(settings.kept),
            off=len(settings.off),
            problems=problems,
            version=settings.version,
        )
        row = notices.notice_row(notice, channel=settings.bot.operator, now=now)
        await store.write(lambda tx: tx.outbox.add([row]))
    fields: dict[str, object] = {"rules": rules, "feeds": feeds, "problems": len(problems)}
    # The log shows the worst problem; the notice and `wirewatch check` show all of them.
    worst = min(problems, key=lambda problem: problem.severity != "error", default=None)
    if worst is None:
        log.info("configuration reloaded", **fields)
        return
    log.warning("configuration reloaded with problems", **fields, first=notices.problem_line(worst))


async def _open_store(address: str, clock: Clock, process_name: str) -> storage.Store:
    """Open the database as soon as no other process uses it. Raises StoreInUse after a minute."""
    until, is_waiting = clock.now() + OWNER_WAIT, False
    while True:
        try:
            return storage.open_store(address, clock=clock, process_name=process_name)
        except StoreInUse as error:
            if clock.now() >= until:
                raise
            if not is_waiting:
                log.warning("waiting for the database", error=str(error), most_seconds=OWNER_WAIT.total_seconds())
            is_waiting = True
        await clock.sleep(timedelta(seconds=0.5))


@asynccontextmanager
async def opened(
    settings: config.Settings,
    environment: Environment,
    *,
    on_feed: Callable[[FeedReport], None] = lambda report: None,
    replaced: Mapping[str, Channel] | None = None,
    process_name: str = "wirewatch",
    begins: bool = True,
) -> AsyncIterator[App]:
    """Open the app and its database. One process may open an SQLite database, so this waits for another one to end.

    Channels in ``replaced`` are used instead of the channels of the same names in bot.yaml. ``process_name`` appears in
    ``status``, and in the error message of a second process. ``App.run`` applies the configuration to the database and
    waits if the database is lost at that time. If ``begins`` is true, it is applied here.

    Raises ConfigError, StoreInUse, StoreUnavailable.
    """
    store = await _open_store(database_of(settings, environment), environment.clock, process_name)
    try:
        await store.free_dead_leases()
        app = App(settings, environment, store, on_feed=on_feed, replaced=replaced, process_name=process_name)
        try:
            if begins:
                await app.begin()
            yield app
        finally:
            await app.close()
    finally:
        await store.close()
