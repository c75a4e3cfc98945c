"""Decide what waits: join queued articles to stories, and decide each channel's messages, in turns.

    Decider: a list of Task (name, find what waits, decide it in a turn), in this order, every second:
    rulings ─▶ articles ─▶ translations of a model ─▶ stale messages ─▶ briefs ─▶ due alerts ─▶ … ─▶ surges
    each: find ─▶ turn (stories, facts, messages: computed in a read) ─▶ changes (rows only) ─▶ commit

One process decides at a time. A turn is computed in a read transaction and committed in one short write transaction,
which first checks that the turn is still valid. If another process has decided in the meantime, or a person has pressed
a button, the commit writes nothing and the turn is computed again. Work waits in its table until its turn is committed,
so nothing is lost. Each task has separate turns, so that a bug in one does not harm the others (``quarantine``).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import msgspec
import structlog

from bot import notices, storage
from bot.config.settings import Settings
from bot.durations import Clock, is_recent
from bot.model.actions import Ruling
from bot.model.alerts import Alert, AlertAction, Decision, Reason
from bot.model.archive import QueueHolder
from bot.model.errors import StoreUnavailable
from bot.model.quarantine import PieceKind, describe_error
from bot.model.stories import ArticleId, StoryId
from bot.pipeline import briefs, control, quarantine
from bot.pipeline.dispatch import Dispatcher
from bot.pipeline.join import StoryUpdater, dispatch_changed
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
P = TypeVar("P")


class DecisionBatch(msgspec.Struct, kw_only=True):
    """The result of deciding what waits."""

    #: The number of queue entries that were decided or set aside.
    decided_count: int = 0
    decisions: list[Decision] = msgspec.field(default_factory=list)


class Task(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """One kind of work that turns decide. A piece is what a turn can be computed for alone."""

    name: str
    #: Return the pieces that wait, or None if there is nothing to do. A task without pieces returns () when it is due.
    find: Callable[[], Awaitable[Sequence[P] | None]]
    #: Decide the pieces in a turn.
    decide: Callable[[Turn, Sequence[P]], list[Decision]]
    #: Give up a piece on which ``decide`` raises alone, so that it is not decided again.
    give_up: Callable[[storage.Transaction, P, Exception], None] = lambda tx, piece, error: None
    #: Whether each piece has its own turn.
    is_single: bool = False
    #: Whether the task depends on the time, so that it does not run while the queue is worked off.
    is_timed: bool = True


class _Computed(msgspec.Struct, kw_only=True):
    """A turn before its commit."""

    turn: Turn
    #: The queue's holder and change number when the turn was computed. If they have changed, the turn is not committed.
    holder: QueueHolder
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
        #: The queue's holder and change number when the stories and alerts were cached, or None during a turn.
        self._known: QueueHolder | None = None
        self._lock = asyncio.Lock()
        #: The questions to the language model, or None without a language model.
        self.questions: Questions | None = None
        self._settings: Settings
        #: The oldest entries of the queue.
        self._numbers: Sequence[int] = ()
        tasks: tuple[Task[Any], ...] = (
            Task(
                name="rulings",
                find=self._find_rulings,
                decide=self._carry_out_rulings,
                give_up=self._fail_ruling,
                is_single=True,
                is_timed=False,
            ),
            Task(
                name="decide",
                find=self._find_articles,
                decide=self._join_articles,
                give_up=self._set_aside_article,
                is_timed=False,
            ),
            Task(
                name="translations",
                find=self._find_translations,
                decide=_show_translations,
                give_up=_drop_translation,
                is_timed=False,
            ),
            Task(name="gather", find=self._find_stale, decide=_gather_stale),
            # Post a brief before the stories that wait for it are due, because a due story waits for the next one.
            Task(name="briefs", find=self._find_briefs, decide=_post_briefs, give_up=self._skip_brief),
            Task(name="release", find=self._find_due_alerts, decide=_release, give_up=self._set_aside_alert),
            Task(name="coverage", find=self._find_over, decide=_end_coverage, give_up=self._skip_end),
            Task(name="expectations", find=self._find_overdue, decide=self._report_overdue),
            Task(name="volume", find=self._find_volume, decide=self._measure_volume),
        )
        #: Each task with its stage, in the order in which they run.
        self._tasks = [(task, Stage(task.name, clock, partial(self._give_up, task), self._control)) for task in tasks]

    @property
    def stages(self) -> Sequence[Stage[Any]]:
        """The stages of deciding, for reports of their health."""
        return [stage for _, stage in self._tasks]

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
            self._numbers = await self._store.read(lambda tx: tx.decision_queue.numbers(limit=limit))
            decisions: list[Decision] = []
            for task, stage in self._tasks:
                pieces = None if task.is_timed and not releases else await task.find()
                if pieces is None:
                    continue
                for part in ([piece] for piece in pieces) if task.is_single else (pieces,):
                    for computed in await stage.run(part, partial(self._decide, task)):
                        decisions += computed.decisions
            if self.questions is not None:
                self.questions.send()
            # Some entries wait for answers, and some may have been set aside.
            numbers = self._numbers
            queued_count = await self._store.read(lambda tx: tx.decision_queue.count_of(numbers)) if numbers else 0
            return DecisionBatch(decided_count=len(numbers) - queued_count, decisions=decisions)

    async def work_off(self, settings: Settings) -> Sequence[Decision]:
        """Decide everything in the queue, turn by turn. Do not release held alerts. Raises StoreError."""
        decisions: list[Decision] = []
        while True:
            batch = await self.decide_batch(settings, releases=False)
            decisions += batch.decisions
            if batch.decided_count < BATCH:
                return decisions

    def report(self, decisions: Sequence[Decision], polls: Mapping[ArticleId, str | None] | None = None) -> None:
        """Count and log decisions. The id of the article's poll connects each log line with the poll's log lines."""
        for decision in decisions:
            self._observer.on_decided(decision)
            log.info(
                "decided",
                poll=(polls or {}).get(decision.article) if decision.article else None,
                story=decision.story,
                channel=decision.channel,
                action=decision.action.value,
                reason=decision.reason.value,
                rules=list(decision.rules),
            )

    async def _decide(self, task: Task[P], pieces: Sequence[P]) -> _Computed:
        """Compute and commit one turn."""
        try:
            for _ in range(_TRIES):
                computed = await self._store.read(partial(self._compute, task, pieces, now=self._clock.now()))
                if await self._commit(computed):
                    self.report(computed.decisions, computed.turn.polls)
                    return computed
        except BaseException:
            self._forget()
            raise
        raise StoreUnavailable(f"{_TRIES} turns in a row were overtaken by another process; run fewer workers")

    def _compute(self, task: Task[P], pieces: Sequence[P], tx: storage.Transaction, *, now: datetime) -> _Computed:
        """Compute a turn. Write nothing."""
        holder, turn = self._begin(tx, now)
        return _Computed(turn=turn, holder=holder, decisions=task.decide(turn, pieces))

    def _begin(self, tx: storage.Transaction, now: datetime) -> tuple[QueueHolder, Turn]:
        """Begin a turn. Drop the caches first if another process has decided in the meantime.

        Drop them too if the last turn was not committed. The store runs a transaction again after it has set a damaged
        row aside, and then the articles of the first attempt must not count as known.
        """
        holder = tx.decision_queue.holder()
        if self._known is None:
            self._forget()
        elif holder != self._known:
            self._cache = StoryCache()
            if holder.who != self._who:
                self._updater = StoryUpdater()
        # Until the turn is committed.
        self._known = None
        turn = Turn(tx, self._settings, now, self._cache)
        turn.questions = self.questions
        return holder, turn

    async def _commit(self, computed: _Computed) -> bool:
        """Write the turn. If the state on which it is based has changed, return False and write nothing."""
        changes = computed.turn.changes
        if changes.are_empty:
            self._known = computed.holder
            return True

        def work(tx: storage.Transaction) -> QueueHolder | None:
            holder = tx.decision_queue.take_over(self._who, expected=computed.holder)
            if holder is not None:
                changes.write(tx)
            return holder

        with suppress(Overtaken):
            self._known = await self._store.write(work)
        self._cache.trim()
        return self._known is not None

    def _forget(self) -> None:
        """Drop all caches, which may have what was not committed."""
        self._updater, self._cache, self._expectations = StoryUpdater(), StoryCache(), ExpectationMonitor()
        self._volume = VolumeMonitor()
        self._known = None

    # -- what waits, and what is decided about it

    async def _find_rulings(self) -> Sequence[Ruling] | None:
        return await self._store.read(lambda tx: tx.rulings.waiting()) or None

    def _carry_out_rulings(self, turn: Turn, rulings: Sequence[Ruling]) -> list[Decision]:
        ids = [ruling.id for ruling in rulings]
        turn.also(lambda tx: tx.rulings.done(ids, at=turn.now))
        return [decision for ruling in rulings for decision in self._updater.carry_out(turn, ruling)]

    async def _find_articles(self) -> Sequence[int] | None:
        """Return the numbers of queue entries, after a reader process has given their articles vectors."""
        if self.meaning is not None:
            await self.meaning.prepare(self._settings, self._numbers)
        return self._numbers or None

    def _join_articles(self, turn: Turn, numbers: Sequence[int]) -> list[Decision]:
        queued = turn.tx.decision_queue.get(numbers)
        turn.polls = {entry.article.id: entry.poll for entry in queued.values()}
        decisions = self._updater.update(turn, queued.values())
        count_members(turn)
        decided = [number for number, entry in queued.items() if entry.article.id not in turn.waiting]
        if decided:
            turn.also(lambda tx: tx.decision_queue.remove(decided))
        return decisions

    async def _find_translations(self) -> Sequence[Translation] | None:
        return self.questions.take_translations(self._clock.now()) or None if self.questions is not None else None

    async def _find_stale(self) -> Sequence[None]:
        return ()

    async def _find_briefs(self) -> Sequence[str] | None:
        now, settings = self._clock.now(), self._settings
        if not any(settings.policy(channel).brief for channel in settings.bot.channels):
            return None
        return await self._store.read(lambda tx: briefs.find_due(tx, settings, now=now)) or None

    async def _find_due_alerts(self) -> Sequence[AlertKey] | None:
        now = self._clock.now()
        return await self._store.read(lambda tx: _due_alerts(tx, now)) or None

    async def _find_over(self) -> Sequence[AlertKey] | None:
        """Return the alerts whose coverage is over; look once a minute."""
        now, settings = self._clock.now(), self._settings
        if is_recent(self._looked_at, _LOOK_EVERY, now):
            return None
        self._looked_at = now
        return await self._store.read(lambda tx: _alerts_of_over_coverage(tx, settings, now)) or None

    async def _find_overdue(self) -> Sequence[None] | None:
        return () if self._expectations.find_overdue(self._settings, now=self._clock.now()) else None

    def _report_overdue(self, turn: Turn, _: Sequence[None]) -> list[Decision]:
        overdue = self._expectations.find_overdue(turn.settings, now=turn.now)
        turn.also(lambda tx: self._expectations.report(tx, overdue, turn.settings, now=turn.now))
        return []

    async def _find_volume(self) -> Sequence[None] | None:
        return () if self._volume.is_due(self._settings, now=self._clock.now()) else None

    def _measure_volume(self, turn: Turn, _: Sequence[None]) -> list[Decision]:
        self._volume.measure(turn)
        return []

    # -- what is at fault

    async def _control(self) -> None:
        await control.decide_invented_event(self._store, self._settings, now=self._clock.now())

    async def _give_up(self, task: Task[P], failed: Sequence[tuple[P, Exception]]) -> None:
        def work(tx: storage.Transaction) -> None:
            for piece, error in failed:
                task.give_up(tx, piece, error)
            # A turn in progress has not seen this.
            tx.decision_queue.note_change()

        await self._store.write(work)

    def _fail_ruling(self, tx: storage.Transaction, ruling: Ruling, error: Exception) -> None:
        """Give up a split or merge, and notify the operator. People may request it again."""
        now, operator = self._clock.now(), self._settings.bot.operator
        tx.rulings.fail(ruling.id, at=now)
        log.critical("a split or merge failed", ruling=ruling.id, story=ruling.story, exc_info=error)
        if operator is not None:
            notice = notices.ruling_failed(ruling, describe_error(error))
            tx.outbox.add([notices.notice_row(notice, channel=operator, now=now)])

    def _set_aside_article(self, tx: storage.Transaction, number: int, error: Exception) -> None:
        now, body = self._clock.now(), tx.decision_queue.raw(number)
        if body is not None:
            article = tx.decision_queue.get([number])[number].article.id
            quarantine.set_aside(tx, PieceKind.ARTICLE, article, error, stage="decide", now=now, body=body)
            tx.decision_queue.remove([number])

    def _set_aside_alert(self, tx: storage.Transaction, alert: AlertKey, error: Exception) -> None:
        story, channel = alert
        tx.stories.rest_alert(story, channel, until=None)
        now = self._clock.now()
        quarantine.set_aside(tx, PieceKind.ALERT, f"{story} {channel}", error, stage="release", now=now)

    def _skip_brief(self, tx: storage.Transaction, channel: str, error: Exception) -> None:
        """Skip the brief of a channel. The stories that wait for it are listed in the next one."""
        keys.brief_posted(channel).put(tx, self._clock.now())
        log.critical("a brief was not posted after an unexpected error", channel=channel, exc_info=error)

    def _skip_end(self, tx: storage.Transaction, alert: AlertKey, error: Exception) -> None:
        """Record that the coverage is over without an edit, so that it is not tried again."""
        story, channel = alert
        silent, over = AlertAction.SILENT, Reason.COVERAGE_OVER
        tx.stories.decide([Decision(at=self._clock.now(), story=story, channel=channel, action=silent, reason=over)])
        log.critical("the end of coverage was not sent", story=story, channel=channel, exc_info=error)


def _drop_translation(tx: storage.Transaction, translation: Translation, error: Exception) -> None:
    """Drop a translation, because its message is posted already."""
    log.critical("showing a translation raised an unexpected error", story=translation[0], exc_info=error)


def _show_translations(turn: Turn, translations: Sequence[Translation]) -> list[Decision]:
    for story_id, key in translations:
        story = turn.story(story_id)
        if story is not None:
            turn.change(story).translation = key
    return dispatch_changed(turn)


def _gather_stale(turn: Turn, _: Sequence[None]) -> list[Decision]:
    return Dispatcher(turn).gather_stale()


def _post_briefs(turn: Turn, channels: Sequence[str]) -> list[Decision]:
    dispatcher = Dispatcher(turn)
    return [decision for channel in channels for decision in dispatcher.post_brief(channel)]


def _release(turn: Turn, alert_keys: Sequence[AlertKey]) -> list[Decision]:
    """Decide again about held alerts, if they are still due."""
    return Dispatcher(turn).release(list(filter(turn.is_due, _stored(turn, alert_keys))))


def _end_coverage(turn: Turn, alert_keys: Sequence[AlertKey]) -> list[Decision]:
    return Dispatcher(turn).end_coverage(_stored(turn, alert_keys))


def _stored(turn: Turn, alert_keys: Sequence[AlertKey]) -> list[Alert]:
    # Load all alerts in one query; the turn caches them.
    turn.alerts(story for story, _ in alert_keys)
    return [alert for key in alert_keys if (alert := turn.alert(*key)) is not None]


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
    if not settings.record_channels:
        return []
    over = tx.stories.with_coverage_over(
        sorted(settings.record_channels), since=now - settings.bot.stories.window, limit=BATCH
    )
    return [(alert.story, alert.channel) for alert in over]
