"""Add queued articles to stories and decide each channel's messages, in turns. One process decides at a time.

    rulings, one by one ─▶ articles ─▶ translations of a model ─▶ briefs ─▶ due alerts ─▶ overdue expectations
    each: read what waits ─▶ turn (stories, facts, messages: computed in a read) ─▶ commit (rows only)

A turn is computed in a read transaction and committed in one short write transaction, which first checks that the
turn is still valid. If another process has decided in the meantime, or a person has pressed a button, the commit writes
nothing and the turn is computed again. Work stays in the queue until its turn is committed, so nothing is lost. Each
kind of work has separate turns, so that a bug in one does not harm the others (``quarantine``).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import structlog

from bot import storage
from bot.alerts import notices
from bot.config.settings import Settings
from bot.model.actions import Ruling
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.archive import Arrival, QueuedWork, QueueHolder, Revision
from bot.model.durations import Clock, is_recent
from bot.model.errors import StoreUnavailable
from bot.model.quarantine import PieceKind, describe_error
from bot.model.stories import StoryId
from bot.pipeline import briefs, control, quarantine
from bot.pipeline.join import StoryUpdater
from bot.pipeline.keep import ExpectationMonitor
from bot.pipeline.meaning import Encode, MeaningStage
from bot.pipeline.quarantine import Stage
from bot.pipeline.reports import Observer
from bot.pipeline.turn import Overtaken, StoryCache, Turn
from bot.pipeline.volume import VolumeMonitor, count_members
from bot.storage import keys

if TYPE_CHECKING:
    from bot.llm.questions import Questions


log = structlog.get_logger("wirewatch")

#: Maximum articles per turn; bounds the length of its transaction.
BATCH = 100
#: Interval at which the end of coverage is looked for.
_LOOK_EVERY = timedelta(minutes=1)
#: Number of invalid turns in a row after which the store counts as unavailable.
_TRIES = 20

#: Longest time for which the first look at new feeds waits for the first polls of other new feeds.
FIRST_LOOK_WAIT = timedelta(minutes=2)

#: A story and a channel.
AlertKey: TypeAlias = tuple[StoryId, str]
#: A story, and the key of the prompt that asked for a translation of its message.
Translation: TypeAlias = tuple[StoryId, str]


@dataclass(slots=True, kw_only=True)
class DecisionBatch:
    """The result of deciding what waits."""

    #: The number of queue entries that were decided or set aside.
    decided_count: int = 0
    decisions: list[Decision] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """The work that one turn decides."""

    #: Numbers of queue entries.
    numbers: Sequence[int] = ()
    rulings: Sequence[Ruling] = ()
    alerts: Sequence[AlertKey] = ()
    #: Posted alerts of stories whose coverage is over.
    over: Sequence[AlertKey] = ()
    #: Whether to gather messages that waited for too long.
    gathers: bool = False
    #: Stories whose translation has come, each with the key of its prompt.
    translations: Sequence[Translation] = ()
    #: Whether to measure the volume of rules.
    measures: bool = False
    #: Channels whose brief is due.
    briefs: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class _Computed:
    """A turn before its commit."""

    turn: Turn
    #: The queue's holder and change number when the turn was computed. If they have changed, the turn is not committed.
    holder: QueueHolder
    work: _Work
    queued: QueuedWork
    decisions: list[Decision]


class Decider:
    """Computes and commits turns. Each process that decides has one."""

    def __init__(
        self,
        *,
        store: storage.Store,
        clock: Clock,
        observer: Observer | None = None,
        encode: Encode | None = None,
    ) -> None:
        """``encode`` asks an encoder; if it is None, stories are grouped by words alone."""
        self._store = store
        #: Gives articles a vector of their meaning, or None if stories are grouped by words alone.
        self.meaning = MeaningStage(store, clock, encode) if encode is not None else None
        self._clock = clock
        self._observer = observer or Observer()
        self._who = secrets.token_hex(8)
        self._updater = StoryUpdater()
        self._cache = StoryCache()
        self._expectations = ExpectationMonitor()
        self._volume = VolumeMonitor()
        #: When the alerts whose coverage is over were last read.
        self._looked_at: datetime | None = None
        #: The queue's holder and change number when the stories and alerts were cached.
        self._known: QueueHolder | None = None
        self._lock = asyncio.Lock()
        #: The questions to the language model, or None if there is no language model.
        self.questions: Questions | None = None
        self._settings: Settings
        self._rulings: Stage[Ruling] = Stage("rulings", clock, self._fail_rulings, self._control)
        self._articles: Stage[int] = Stage("decide", clock, self._set_aside_articles, self._control)
        self._translations: Stage[Translation] = Stage("translations", clock, self._drop_translations, self._control)
        self._alerts: Stage[AlertKey] = Stage("release", clock, self._set_aside_alerts, self._control)
        self._coverage: Stage[AlertKey] = Stage("coverage", clock, self._skip_ends, self._control)
        self._gathered: Stage[None] = Stage("gather", clock, self._set_aside_nothing, self._control)
        self._expected: Stage[None] = Stage("expectations", clock, self._set_aside_nothing, self._control)
        self._measured: Stage[None] = Stage("volume", clock, self._set_aside_nothing, self._control)
        self._briefs: Stage[str] = Stage("briefs", clock, self._skip_briefs, self._control)

    @property
    def stages(
        self,
    ) -> Sequence[Stage[Ruling] | Stage[int] | Stage[Translation] | Stage[AlertKey] | Stage[None] | Stage[str]]:
        """The stages of deciding, for reports of their health."""
        return (
            self._rulings,
            self._articles,
            self._translations,
            self._alerts,
            self._coverage,
            self._gathered,
            self._expected,
            self._measured,
            self._briefs,
        )

    @property
    def is_waiting(self) -> bool:
        """Whether work waits for the answer of a language model."""
        return self.questions is not None and self.questions.is_waiting

    async def stop_waiting(self, settings: Settings) -> Sequence[Decision]:
        """Decide the work that waits for answers, without waiting any longer. Raises StoreError."""
        questions = self.questions
        if questions is None:
            return await self.work_off(settings)
        questions.is_over = True
        try:
            return await self.work_off(settings)
        finally:
            questions.is_over = False
            questions.end_waiting()

    async def decide_batch(self, settings: Settings, *, limit: int = BATCH, releases: bool = True) -> DecisionBatch:
        """Decide waiting rulings and at most ``limit`` queued articles. Raises StoreError.

        If ``releases`` is true, also post due briefs, decide about the alerts that are due, report overdue
        expectations, and measure the volume of rules.
        """
        async with self._lock:
            self._settings = settings
            # Read more entries, because items that wait for answers are still in the queue and are read again.
            limit += self.questions.waiting_count if self.questions is not None else 0
            rulings, numbers = await self._store.read(
                lambda tx: (tx.rulings.waiting(), tx.decision_queue.numbers(limit=limit))
            )
            turns: list[_Computed] = []
            for ruling in rulings:
                turns += await self._rulings.run([ruling], lambda pieces: self._decide(_Work(rulings=pieces)))
            batch = DecisionBatch()
            if self.meaning is not None:
                await self.meaning.prepare(settings, numbers)
            if numbers:
                decided = await self._articles.run(numbers, lambda pieces: self._decide(_Work(numbers=pieces)))
                turns += decided
                batch.decided_count = sum(len(computed.queued.numbers) for computed in decided)
                if batch.decided_count < len(numbers):
                    # Some wait for answers, and some may have been set aside.
                    queued_count = await self._store.read(lambda tx: tx.decision_queue.count_of(numbers))
                    batch.decided_count = len(numbers) - queued_count
            translations = self.questions.take_translations(self._clock.now()) if self.questions is not None else ()
            if translations:
                turns += await self._translations.run(
                    translations, lambda pieces: self._decide(_Work(translations=pieces))
                )
            if releases:
                turns += await self._gathered.run((), lambda _: self._decide(_Work(gathers=True)))
            now = self._clock.now()
            if releases:
                # Post a brief before the stories that wait for it are due, because a due story waits for the next one.
                channels = await self._store.read(lambda tx: briefs.find_due(tx, settings, now=now))
                if channels:
                    turns += await self._briefs.run(channels, lambda pieces: self._decide(_Work(briefs=pieces)))
                due = await self._store.read(lambda tx: _due_alerts(tx, now))
                if due:
                    turns += await self._alerts.run(due, lambda pieces: self._decide(_Work(alerts=pieces)))
                if not is_recent(self._looked_at, _LOOK_EVERY, now):
                    self._looked_at = now
                    over = await self._store.read(lambda tx: _alerts_of_over_coverage(tx, settings, now))
                    turns += await self._coverage.run(over, lambda pieces: self._decide(_Work(over=pieces)))
                if self._expectations.is_due(settings, now=now):
                    await self._expected.run((), lambda _: self._report_expectations())
                if self._volume.is_due(settings, now=now):
                    await self._measured.run((), lambda _: self._decide(_Work(measures=True)))
            if self.questions is not None:
                self.questions.send()
            batch.decisions = [decision for computed in turns for decision in computed.decisions]
            return batch

    async def work_off(self, settings: Settings) -> Sequence[Decision]:
        """Decide everything in the queue, turn by turn. Do not release held alerts. Raises StoreError."""
        decisions: list[Decision] = []
        while True:
            batch = await self.decide_batch(settings, releases=False)
            decisions += batch.decisions
            if batch.decided_count < BATCH:
                return decisions

    def report(
        self,
        decisions: Sequence[Decision],
        arrivals: Sequence[Arrival] = (),
        revisions: Sequence[Revision] = (),
    ) -> None:
        """Count and log decisions. The id of the article's poll connects each log line with the poll's log lines."""
        polls = {arrival.article.id: arrival.poll for arrival in arrivals}
        polls |= {revision.article.id: revision.poll for revision in revisions}
        for decision in decisions:
            self._observer.on_decided(decision)
            log.info(
                "decided",
                poll=polls.get(decision.article) if decision.article else None,
                story=decision.story,
                channel=decision.channel,
                action=decision.action.value,
                reason=decision.reason.value,
                rules=list(decision.rules),
            )

    async def _decide(self, work: _Work) -> _Computed:
        """Compute and commit one turn."""
        try:
            for _ in range(_TRIES):
                computed = await self._store.read(partial(self._compute, work=work, now=self._clock.now()))
                if await self._commit(computed):
                    self.report(computed.decisions, computed.queued.arrivals, computed.queued.revisions)
                    return computed
                self._forget()
        except BaseException:
            self._forget()
            raise
        raise StoreUnavailable(f"{_TRIES} turns in a row were overtaken by another process; run fewer workers")

    def _compute(self, tx: storage.Transaction, *, work: _Work, now: datetime) -> _Computed:
        """Compute a turn. Write nothing."""
        holder, turn = self._begin(tx, now)
        queued = tx.decision_queue.get(work.numbers)
        decisions = self._updater.update(
            turn, queued.arrivals, queued.revisions, rulings=work.rulings, translations=work.translations
        )
        count_members(turn)
        if work.measures:
            self._volume.measure(turn)
        if work.alerts:
            turn.alerts(story for story, _ in work.alerts)
            held = [alert for key in work.alerts if (alert := turn.alert(*key)) is not None]
            decisions += self._updater.release(turn, list(filter(turn.is_due, held)))
        decisions += self._updater.post_briefs(turn, work.briefs)
        if work.over:
            turn.alerts(story for story, _ in work.over)
            decisions += self._updater.end_coverage(turn, list(filter(None, (turn.alert(*key) for key in work.over))))
        if work.gathers:
            decisions += self._updater.gather_stale(turn)
        if turn.waiting:
            queued = queued.without(turn.waiting)
        return _Computed(turn=turn, holder=holder, work=work, queued=queued, decisions=decisions)

    def _begin(self, tx: storage.Transaction, now: datetime) -> tuple[QueueHolder, Turn]:
        """Begin a turn. Drop the caches first if another process has decided in the meantime."""
        holder = tx.decision_queue.holder()
        if holder != self._known:
            self._cache = StoryCache()
            if holder.who != self._who:
                self._updater = StoryUpdater()
        turn = Turn(tx, self._settings, now, self._cache)
        turn.questions = self.questions
        return holder, turn

    async def _commit(self, computed: _Computed) -> bool:
        """Write the turn. If the state on which it is based has changed, return False and write nothing."""
        turn, rulings = computed.turn, [ruling.id for ruling in computed.work.rulings]
        if not (computed.queued.numbers or rulings or turn.has_changes):
            self._known = computed.holder
            return True

        def work(tx: storage.Transaction) -> QueueHolder | None:
            holder = tx.decision_queue.take_over(self._who, expected=computed.holder)
            if holder is not None:
                turn.write(tx)
                tx.rulings.done(rulings, at=turn.now)
                tx.decision_queue.remove(computed.queued.numbers)
            return holder

        try:
            self._known = await self._store.write(work)
        except Overtaken:
            self._known = None
        self._cache.trim()
        return self._known is not None

    async def _report_expectations(self) -> None:
        now = self._clock.now()
        await self._store.write(lambda tx: self._expectations.report(tx, self._settings, now=now))

    def _forget(self) -> None:
        """Drop all caches after a turn that was not committed."""
        self._updater, self._cache, self._expectations = StoryUpdater(), StoryCache(), ExpectationMonitor()
        self._volume = VolumeMonitor()
        self._known = None

    # -- what is at fault

    async def _control(self) -> None:
        await control.decide_invented_event(self._store, self._settings, now=self._clock.now())

    async def _fail_rulings(self, failed: Sequence[tuple[Ruling, Exception]]) -> None:
        """Give up splits and merges, and notify the operator. People may request them again."""
        now, operator = self._clock.now(), self._settings.bot.operator

        def work(tx: storage.Transaction) -> None:
            for ruling, error in failed:
                tx.rulings.fail(ruling.id, at=now)
                log.critical("a split or merge failed", ruling=ruling.id, story=ruling.story, exc_info=error)
                if operator is not None:
                    notice = notices.ruling_failed(ruling, describe_error(error))
                    tx.outbox.add([notices.notice_row(notice, channel=operator, now=now)])

        await self._store.write(work)

    async def _set_aside_articles(self, failed: Sequence[tuple[int, Exception]]) -> None:
        now = self._clock.now()

        def work(tx: storage.Transaction) -> None:
            for number, error in failed:
                body = tx.decision_queue.raw(number)
                if body is not None:
                    (key,) = tx.decision_queue.get([number]).keys
                    quarantine.set_aside(tx, PieceKind.ARTICLE, key, error, stage="decide", now=now, body=body)
            tx.decision_queue.remove([number for number, _ in failed])

        await self._store.write(work)

    async def _set_aside_alerts(self, failed: Sequence[tuple[AlertKey, Exception]]) -> None:
        now = self._clock.now()

        def work(tx: storage.Transaction) -> None:
            for (story, channel), error in failed:
                tx.stories.rest_alert(story, channel, until=None)
                quarantine.set_aside(tx, PieceKind.ALERT, f"{story} {channel}", error, stage="release", now=now)
            tx.decision_queue.note_change()

        await self._store.write(work)

    async def _drop_translations(self, failed: Sequence[tuple[Translation, Exception]]) -> None:
        """Drop translations, because their messages are posted already."""
        log.critical("showing a translation raised an unexpected error", exc_info=failed[0][1])

    async def _skip_briefs(self, failed: Sequence[tuple[str, Exception]]) -> None:
        """Skip the briefs of some channels. The stories that wait for them are listed in the next ones."""
        now = self._clock.now()

        def work(tx: storage.Transaction) -> None:
            for channel, error in failed:
                keys.brief_posted(channel).put(tx, now)
                log.critical("a brief was not posted after an unexpected error", channel=channel, exc_info=error)

        await self._store.write(work)

    async def _skip_ends(self, failed: Sequence[tuple[AlertKey, Exception]]) -> None:
        """Record that the coverage is over without an edit, so that it is not tried again."""
        now = self._clock.now()

        def work(tx: storage.Transaction) -> None:
            for (story, channel), error in failed:
                log.critical("the end of coverage was not sent", story=story, channel=channel, exc_info=error)
                silent, over = AlertAction.SILENT, Reason.COVERAGE_OVER
                tx.stories.decide([Decision(at=now, story=story, channel=channel, action=silent, reason=over)])
            tx.decision_queue.note_change()

        await self._store.write(work)

    async def _set_aside_nothing(self, failed: Sequence[tuple[None, Exception]]) -> None:
        assert not failed


def _due_alerts(tx: storage.Transaction, now: datetime) -> list[AlertKey]:
    """Return the held alerts that are due.

    The first look at new feeds is one message, so it is due when the other new feeds have been polled too.
    """
    due = list(tx.stories.held_until(now))
    first_looks = [alert for alert in due if alert.reason is Reason.BASELINE]
    oldest = min((alert.held_until for alert in first_looks if alert.held_until), default=now)
    if first_looks and oldest > now - FIRST_LOOK_WAIT and tx.feeds.awaits_first_polls(now=now):
        due = [alert for alert in due if alert not in first_looks]
    return [(alert.story, alert.channel) for alert in due]


def _alerts_of_over_coverage(tx: storage.Transaction, settings: Settings, now: datetime) -> list[AlertKey]:
    """Return the alerts in channels that keep records whose story no article can join any more."""
    channels = [channel for channel in settings.bot.channels if settings.policy(channel).keeps_records]
    if not channels:
        return []
    over = tx.stories.with_coverage_over(channels, since=now - settings.bot.stories.window, limit=BATCH)
    return [(alert.story, alert.channel) for alert in over]
