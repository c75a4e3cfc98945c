"""The desk's turns: one transaction each, in which matched articles join stories and what is to be said is decided.

    at once    in the transaction that stored the articles: one process, where nothing waits
    in turns   from the tray, where polls of any number of machines put what matched

Either way whoever works takes the desk for the transaction, so that two never decide side by side, and knows by it
whether the stories that it remembers are still those of the store.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot import model, ports
from bot.pipeline.desk import Desk
from bot.pipeline.silence_monitor import Canary
from bot.pipeline.snapshot import Snapshot

T = TypeVar("T")

log = structlog.get_logger("wirewatch")

#: What one turn takes from the tray at most: a quarter of a second's work.
TURN = 100

#: Told of each decision once it is committed.
OnDecided = Callable[[model.Decision], None]


@dataclass(slots=True, kw_only=True)
class Turn:
    #: How many arrivals and revisions left the tray.
    taken: int
    decisions: list[model.Decision]


class Deciding:
    """One process's place at the desk."""

    def __init__(
        self,
        *,
        store: ports.Store,
        clock: ports.Clock,
        window: timedelta,
        on_decided: OnDecided = lambda decision: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._desk = Desk(window)
        self._canary = Canary()
        self._on_decided = on_decided
        self._who = secrets.token_hex(8)

    async def write(self, work: Callable[[ports.Transaction], T]) -> T:
        """A transaction in which ``decide`` may be called. Raises StoreError."""
        tries = 0

        def attempt(tx: ports.Transaction) -> T:
            nonlocal tries
            tries += 1
            if tries > 1:
                # It lost a race: what the desk learnt in it is not true.
                self._forget()
            return work(tx)

        try:
            return await self._store.write(attempt)
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        self._desk.forget()
        self._canary.forget()

    def decide(
        self,
        tx: ports.Transaction,
        snapshot: Snapshot,
        arrivals: Sequence[model.Arrival],
        revisions: Sequence[model.Revision],
        *,
        now: datetime,
    ) -> Sequence[model.Decision]:
        """Inside a transaction of ``write``; ``tell`` when it is committed."""
        matches = [match for arrival in arrivals for match in arrival.matches]
        matches += [match for revision in revisions for match in revision.matches]
        self._canary.saw(tx, snapshot, matches, now=now)
        if not arrivals and not revisions:
            return ()
        self._sit_down(tx)
        return self._desk.work(tx, snapshot, arrivals, revisions, now=now)

    def tell(
        self,
        made: Sequence[model.Decision],
        arrivals: Sequence[model.Arrival] = (),
        revisions: Sequence[model.Revision] = (),
    ) -> None:
        """To those who count and to those who read logs; the articles lead back to the polls that brought them."""
        polls = {arrival.article.id: arrival.poll for arrival in arrivals}
        polls |= {revision.article.id: revision.poll for revision in revisions}
        for decision in made:
            self._on_decided(decision)
            log.info(
                "decided",
                poll=polls.get(decision.article) if decision.article else None,
                story=decision.story,
                channel=decision.channel,
                action=decision.action.value,
                reason=decision.reason.value,
                rules=list(decision.rules),
            )

    async def take_turn(self, snapshot: Snapshot, *, limit: int) -> Turn:
        """Work what waits in the tray, at most ``limit`` of it, and let go what was held long enough.

        Raises StoreError.
        """
        try:
            return await self._turn(snapshot, limit=limit)
        except ports.StoreError:
            raise
        except Exception:
            # Our bug on one article must not stop the others, nor be met again for ever.
            log.critical("the desk broke; its articles are taken one by one", exc_info=True)
            return await self._turn_apart(snapshot, limit=limit)

    async def _turn(self, snapshot: Snapshot, *, limit: int) -> Turn:
        now = self._clock.now()

        def work(tx: ports.Transaction) -> tuple[list[model.Arrival], list[model.Revision], list[model.Decision]]:
            self._canary.tell(tx, snapshot, now=now)
            arrivals, revisions = tx.tray.take(limit=limit)
            made = list(self.decide(tx, snapshot, arrivals, revisions, now=now))
            if tx.stories.held_until(now):
                if not (arrivals or revisions):
                    self._sit_down(tx)
                made.extend(self._desk.release(tx, snapshot, now=now))
            return list(arrivals), list(revisions), made

        arrivals, revisions, made = await self.write(work)
        self.tell(made, arrivals, revisions)
        return Turn(taken=len(arrivals) + len(revisions), decisions=made)

    async def _turn_apart(self, snapshot: Snapshot, *, limit: int) -> Turn:
        """One article a turn; the one that breaks alone leaves the tray untold. It stays in the archive."""
        whole = Turn(taken=0, decisions=[])
        for _ in range(limit):
            try:
                turn = await self._turn(snapshot, limit=1)
            except ports.StoreError:
                raise
            except Exception:
                arrivals, revisions = await self._store.write(lambda tx: tx.tray.take(limit=1))
                broken = [arrival.article.id for arrival in arrivals] + [one.article.id for one in revisions]
                log.critical("article broke the desk", articles=broken, exc_info=True)
                if not broken:
                    raise
                whole.taken += 1
                continue
            if not turn.taken:
                break
            whole.taken += turn.taken
            whole.decisions.extend(turn.decisions)
        return whole

    def _sit_down(self, tx: ports.Transaction) -> None:
        if not tx.tray.sit_down(self._who):
            # Another process decided meanwhile: the stories that we remember are not those of the store.
            self._desk.forget()
