"""Find the pieces of work on which a stage raises an unexpected error, and set them aside.

batch ──▶ stage ─ raises ─▶ halves, then one by one ─▶ those that raise alone ──▶ table quarantine ──▶ notice
                                           (and nothing raises without them)        └─ retry ──▶ back into the stage
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Generic, TypeVar

import structlog

import bot
from bot import storage
from bot.aio import Failure, next_failure
from bot.alerts import notices
from bot.config.settings import Settings
from bot.model.durations import Clock, is_recent
from bot.model.errors import StoreError
from bot.model.quarantine import PieceKind, QuarantinedPiece, describe_error
from bot.storage import keys

log = structlog.get_logger("wirewatch")

#: Interval between two notices about one stage.
NOTICE_EVERY = timedelta(hours=1)
#: The pauses of a stage that fails even with nothing to do: the first one, and the longest one.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=10)

#: Maximum pieces that are tried one by one; a larger batch is halved first. After each failed attempt the stage loads
#: its caches again, with thousands of open stories, so a few failures cost more than many turns with one piece.
SINGLY = 32

P = TypeVar("P")
R = TypeVar("R")


class StageFailed(Exception):
    """A stage fails even with nothing to do, so none of its pieces is at fault."""


def set_aside(
    tx: storage.Transaction,
    kind: PieceKind,
    piece: str,
    error: BaseException | str,
    *,
    stage: str,
    settings: Settings,
    now: datetime,
    body: str = "",
) -> None:
    """Set one piece aside, and report it to the operator if the stage's last notice is old enough.

    ``error`` is the error or its description: of an error in another process, or a refusal of a service.
    """
    why, cause = (error, None) if isinstance(error, str) else (describe_error(error), error)
    entry = QuarantinedPiece(kind=kind, id=piece, stage=stage, error=why, version=bot.__version__, at=now, body=body)
    tx.quarantine.add([entry])
    log.critical("piece set aside after an error", stage=stage, kind=kind, piece=piece, error=why, exc_info=cause)
    report(tx, settings, now=now)


def report(tx: storage.Transaction, settings: Settings, *, now: datetime) -> None:
    """Notify the operator of the pieces that no notice has listed, at most once an hour for each stage."""
    if settings.bot.operator is None:
        return
    pieces = sorted(tx.quarantine.unreported(), key=attrgetter("stage", "n"))
    for stage, of_stage in groupby(pieces, key=attrgetter("stage")):
        key = keys.quarantine_reported(stage)
        if is_recent(key.get(tx), NOTICE_EVERY, now):
            continue
        notice = notices.pieces_set_aside(stage, list(of_stage), now=now)
        tx.outbox.add([notices.notice_row(notice, channel=settings.bot.operator, now=now)])
        tx.quarantine.mark_reported(stage)
        key.put(tx, now)


@dataclass(slots=True)
class Stage(Generic[P]):
    """Runs one stage on batches of pieces. Sets aside the pieces at fault, and pauses if the stage itself fails."""

    name: str
    clock: Clock
    #: Sets aside pieces with their errors, in one transaction.
    set_aside: Callable[[Sequence[tuple[P, Exception]]], Awaitable[None]]
    #: The failures of the stage although it had nothing to do, or None if it works.
    failing: Failure | None = field(default=None, init=False)
    _pause: timedelta = field(default=FIRST_PAUSE, init=False)
    _failed_at: datetime | None = field(default=None, init=False)

    async def run(self, pieces: Sequence[P], work: Callable[[Sequence[P]], Awaitable[R]]) -> list[R]:
        """Return the results of ``work`` on the pieces, in parts if it raises on all of them. Raises StoreError.

        ``work`` commits its results itself. If it raises even on no pieces, nothing is set aside, and the stage pauses.
        """
        now = self.clock.now()
        if is_recent(self._failed_at, self._pause, now):
            return []
        try:
            results, failed = await isolate(pieces, work)
            if failed:
                await self.set_aside(failed)
        except StageFailed as error:
            if self._failed_at is not None:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._failed_at = now
            self.failing = next_failure(self.failing, self.name, error.__cause__ or error, now=now)
            log.critical(
                "stage failed; nothing is set aside", stage=self.name, retry_in=str(self._pause), exc_info=error
            )
            return []
        self._failed_at, self._pause, self.failing = None, FIRST_PAUSE, None
        return results


async def isolate(
    pieces: Sequence[P], work: Callable[[Sequence[P]], Awaitable[R]]
) -> tuple[list[R], list[tuple[P, Exception]]]:
    """Return the results of ``work``, and each piece on which it raises alone. Raises StageFailed, StoreError."""
    results, failure = await _attempt(pieces, work)
    if failure is None:
        return results, []
    if len(pieces) > 1:
        step = 1 if len(pieces) <= SINGLY else (len(pieces) + 1) // 2
        results, failed = [], []
        for start in range(0, len(pieces), step):
            more_results, more_failed = await isolate(pieces[start : start + step], work)
            results += more_results
            failed += more_failed
        return results, failed
    failure_without = (await _attempt((), work))[1] if pieces else failure
    if failure_without is not None:
        raise StageFailed("the stage fails without any piece") from failure_without
    return [], [(pieces[0], failure)]


async def _attempt(
    pieces: Sequence[P], work: Callable[[Sequence[P]], Awaitable[R]]
) -> tuple[list[R], Exception | None]:
    """Return the result of ``work``, or none and the error. Raises StoreError."""
    try:
        return [await work(pieces)], None
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - any bug; it is logged when its piece is set aside
        return [], error
