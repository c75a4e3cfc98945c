"""Add queued articles to stories and decide each channel's messages, in turns. One process decides at a time.

    peek at the queue ─▶ turn (stories, facts, messages: computed in a read) ─▶ commit (rows only)
             ▲                    │ waits for the answer of a language model
             └────────────────────┘

A turn is computed in a read transaction and committed in one short write transaction, which first checks that the
turn is still valid. If another process has decided in the meantime, or a person has pressed a button, the commit writes
nothing and the turn is computed again. Work stays in the queue until its turn is committed, so nothing is lost.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot import storage
from bot.config.settings import Settings
from bot.model.actions import Ruling
from bot.model.alerts import Decision
from bot.model.archive import Arrival, QueuedWork, QueueHolder, Revision
from bot.model.durations import Clock
from bot.model.errors import StoreError, StoreUnavailable
from bot.model.language_models import Advisor
from bot.pipeline.join import StoryUpdater
from bot.pipeline.keep import ExpectationMonitor
from bot.pipeline.reports import Observer
from bot.pipeline.turn import Overtaken, StoryCache, Turn

if TYPE_CHECKING:
    from bot.pipeline.advice import Advice


log = structlog.get_logger("wirewatch")

#: Maximum articles per turn; bounds the length of its transaction.
BATCH = 100
#: Number of invalid turns in a row after which the store counts as unavailable.
_TRIES = 20


@dataclass(slots=True, kw_only=True)
class DecisionBatch:
    """The result of one turn."""

    #: The number of decided queue items.
    decided_count: int = 0
    decisions: list[Decision] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Computed:
    """A turn before its commit."""

    turn: Turn
    #: The queue's holder and change number when the turn was computed. If they have changed, the turn is not committed.
    holder: QueueHolder
    queued: QueuedWork
    rulings: Sequence[Ruling]
    decisions: list[Decision]
    #: Numbers of the decided queue rows. The other rows stay in the queue.
    decided: Sequence[int]


class Decider:
    """Computes and commits turns. Each process that decides has one."""

    def __init__(
        self,
        *,
        store: storage.Store,
        clock: Clock,
        observer: Observer | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._observer = observer or Observer()
        self._who = secrets.token_hex(8)
        self._updater = StoryUpdater()
        self._cache = StoryCache()
        self._expectations = ExpectationMonitor()
        #: The queue's holder and change number when the stories and alerts were cached.
        self._known: QueueHolder | None = None
        self._lock = asyncio.Lock()
        #: Answers of the language model, or None if there is no language model.
        self._advice: Advice | None = None

    def advise(self, advisor: Advisor | None) -> None:
        """Use this language model, or none, from the next turn on."""
        if advisor is None:
            self._advice = None
            return
        # An import at the top would load the prompts, which only a configuration with a model needs.
        from bot.pipeline.advice import Advice

        self._advice = Advice(advisor)

    @property
    def is_waiting(self) -> bool:
        """Whether work waits for the answer of a language model."""
        return self._advice is not None and bool(self._advice.held)

    async def stop_waiting(self, settings: Settings) -> Sequence[Decision]:
        """Decide the work that waits for answers, without waiting any longer. Raises StoreError."""
        advice = self._advice
        if advice is None:
            return await self.work_off(settings)
        advice.is_over = True
        try:
            return await self.work_off(settings)
        finally:
            advice.is_over = False

    async def decide_batch(self, settings: Settings, *, limit: int = BATCH, releases: bool = True) -> DecisionBatch:
        """Decide at most ``limit`` queued items. If ``releases`` is true, also release held alerts that are due.

        Raises StoreError.
        """
        async with self._lock:
            try:
                return await self._decide(settings, limit=limit, releases=releases)
            except StoreError:
                raise
            except Exception:
                # A bug with one article must not stop the other articles, or recur for ever.
                log.critical("turn failed; its articles are decided one by one", exc_info=True)
                return await self._decide_one_by_one(settings, limit=limit, releases=releases)

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

    async def _decide(self, settings: Settings, *, limit: int, releases: bool) -> DecisionBatch:
        try:
            for _ in range(_TRIES):
                now = self._clock.now()
                compute = partial(self._compute, settings=settings, limit=limit, releases=releases, now=now)
                computed = await self._store.read(compute)
                if await self._commit(computed):
                    self.report(computed.decisions, computed.queued.arrivals, computed.queued.revisions)
                    if self._advice is not None:
                        self._advice.end()
                    return DecisionBatch(decided_count=len(computed.decided), decisions=computed.decisions)
                self._forget()
        except BaseException:
            self._forget()
            raise
        raise StoreUnavailable(f"{_TRIES} turns in a row were overtaken by another process; run fewer workers")

    def _compute(
        self, tx: storage.Transaction, *, settings: Settings, limit: int, releases: bool, now: datetime
    ) -> _Computed:
        """Compute a turn. Write nothing."""
        holder, advice = tx.decision_queue.holder(), self._advice
        if holder != self._known:
            self._cache = StoryCache()
            if holder.who != self._who:
                self._updater = StoryUpdater()
        turn = Turn(tx, settings, now, self._cache)
        if advice is not None:
            # Raise the limit, because items that wait for answers are still in the queue and are read again.
            limit += len(advice.held)
            advice.begin(turn)
        queued, rulings = tx.decision_queue.peek(limit=limit), tx.rulings.waiting()
        decisions = self._updater.update(turn, queued.arrivals, queued.revisions, queued.pending, rulings=rulings)
        if releases:
            decisions += self._updater.release(turn)
        held = advice.held if advice is not None else frozenset()
        decided = [number for number, key in zip(queued.numbers, queued.keys, strict=True) if key not in held]
        return _Computed(turn=turn, holder=holder, queued=queued, rulings=rulings, decisions=decisions, decided=decided)

    async def _commit(self, computed: _Computed) -> bool:
        """Write the turn. If the state on which it is based has changed, return False and write nothing."""
        turn, settings, now = computed.turn, computed.turn.settings, computed.turn.now
        has_changes = computed.decided or computed.rulings or turn.has_changes
        if not (has_changes or self._expectations.is_due(settings, now=now)):
            self._known = computed.holder
            return True

        def work(tx: storage.Transaction) -> QueueHolder | None:
            holder = tx.decision_queue.take_over(self._who, expected=computed.holder)
            if holder is not None:
                turn.write(tx)
                rulings = [ruling.id for ruling in computed.rulings]
                _settle(tx, numbers=computed.decided, rulings=rulings, now=now)
                self._expectations.report(tx, settings, now=now)
            return holder

        try:
            self._known = await self._store.write(work)
        except Overtaken:
            self._known = None
        self._cache.trim()
        return self._known is not None

    async def _decide_one_by_one(self, settings: Settings, *, limit: int, releases: bool) -> DecisionBatch:
        """Decide one article per turn. An article that fails is removed from the queue, but stays in the archive."""
        whole = DecisionBatch()
        for _ in range(limit):
            try:
                batch = await self._decide(settings, limit=1, releases=releases)
            except StoreError:
                raise
            except Exception:
                queued, rulings = await self._store.read(
                    lambda tx: (tx.decision_queue.peek(limit=1), tx.rulings.waiting())
                )
                if rulings:
                    # A ruling may be the cause. Mark all rulings as done, so that the error does not recur for ever.
                    ids, now = [ruling.id for ruling in rulings], self._clock.now()
                    await self._store.write(partial(_settle, numbers=(), rulings=ids, now=now))
                    log.critical("applying a ruling raised an unexpected error", rulings=ids, exc_info=True)
                    continue
                await self._store.write(partial(_settle, numbers=queued.numbers, rulings=(), now=self._clock.now()))
                broken = [arrival.article.id for arrival in queued.arrivals]
                broken += [revision.article.id for revision in queued.revisions]
                broken += [pending.prompt.article for pending in queued.pending]
                log.critical("deciding an article raised an unexpected error", articles=broken, exc_info=True)
                if not broken:
                    raise
                whole.decided_count += 1
                continue
            if not batch.decided_count:
                break
            whole.decided_count += batch.decided_count
            whole.decisions.extend(batch.decisions)
        return whole

    def _forget(self) -> None:
        """Drop all caches after a turn that was not committed."""
        self._updater, self._cache, self._expectations = StoryUpdater(), StoryCache(), ExpectationMonitor()
        self._known = None


def _settle(tx: storage.Transaction, *, numbers: Sequence[int], rulings: Sequence[str], now: datetime) -> None:
    """Mark rulings as done, and remove decided work from the queue."""
    tx.rulings.done(rulings, at=now)
    tx.decision_queue.remove(numbers)
