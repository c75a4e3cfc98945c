"""Find the pieces of work on which a stage raises an unexpected error, and set them aside.

batch ──▶ stage ─ raises ─▶ control ─ works ─▶ halves, then one by one ─▶ those that raise alone ──▶ table quarantine
                              │                                                                      │  └─▶ notice
                              └─ raises ─▶ the stage's fault: it pauses, nothing is set aside        └─ retry ─▶ stage

The control is invented work that takes the same way. If several pieces in a row fail alike and none succeeds, the
fault is the stage's too.
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
from bot import notices, storage
from bot.aio import Failure, next_failure
from bot.config.settings import Settings
from bot.durations import Clock, is_recent
from bot.model.errors import StoreError
from bot.model.quarantine import PieceKind, QuarantinedPiece, describe_error
from bot.storage import keys

log = structlog.get_logger("wirewatch")

#: The stages without which nothing is posted.
POSTING = ("intake", "decide", "release")
#: Interval between two notices about one stage.
NOTICE_EVERY = timedelta(hours=1)
#: The pauses of a stage that fails itself: the first one, and the longest one.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=1)
#: So many pieces in a row that fail alike, with none that succeeds, are the stage's fault.
ALIKE = 3

#: Maximum pieces that are tried one by one; a larger batch is halved first. After each failed attempt the stage loads
#: its caches again, with thousands of open stories, so a few failures cost more than many turns with one piece.
SINGLY = 32

P = TypeVar("P")
R = TypeVar("R")


class StageFailed(Exception):
    """A stage fails whatever its pieces are, so none of them is at fault."""


def set_aside(
    tx: storage.Transaction,
    kind: PieceKind,
    piece: str,
    error: BaseException | str,
    *,
    stage: str,
    now: datetime,
    body: str = "",
) -> None:
    """Set one piece aside. The bot's next look at the quarantine reports it to the operator.

    ``error`` is the error or its description: of an error in another process, or a refusal of a service.
    """
    why, cause = (error, None) if isinstance(error, str) else (describe_error(error), error)
    entry = QuarantinedPiece(kind=kind, id=piece, stage=stage, error=why, version=bot.__version__, at=now, body=body)
    tx.quarantine.add([entry])
    log.critical("piece set aside after an error", stage=stage, kind=kind, piece=piece, error=why, exc_info=cause)


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
    #: Work that goes the whole way of a piece and changes nothing. It raises if the stage is at fault.
    control: Callable[[], Awaitable[object]]
    #: The failures of the stage itself, or None if it works.
    failing: Failure | None = field(default=None, init=False)
    _pause: timedelta = field(default=FIRST_PAUSE, init=False)
    _failed_at: datetime | None = field(default=None, init=False)
    #: The descriptions of the errors since the last piece that succeeded.
    _in_a_row: list[str] = field(default_factory=list, init=False)

    async def run(self, pieces: Sequence[P], work: Callable[[Sequence[P]], Awaitable[R]]) -> list[R]:
        """Return the results of ``work`` on the pieces, in parts if it raises on all of them. Raises StoreError.

        ``work`` commits its results itself. If the stage is at fault, nothing is set aside, and the stage pauses.
        """
        now = self.clock.now()
        if is_recent(self._failed_at, self._pause, now):
            return []
        try:
            results, failed = await isolate(pieces, work, self.control)
            self._expect_unlike(results, failed)
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

    def _expect_unlike(self, results: Sequence[object], failed: Sequence[tuple[P, Exception]]) -> None:
        """Raise StageFailed if the last pieces failed alike and none has succeeded since."""
        errors = [*self._in_a_row, *(describe_error(error) for _, error in failed)]
        self._in_a_row = [] if results else errors[-ALIKE:]
        if len(self._in_a_row) == ALIKE and len(set(self._in_a_row)) == 1:
            raise StageFailed("several pieces in a row fail alike") from failed[-1][1]


async def isolate(
    pieces: Sequence[P], work: Callable[[Sequence[P]], Awaitable[R]], control: Callable[[], Awaitable[object]]
) -> tuple[list[R], list[tuple[P, Exception]]]:
    """Return the results of ``work``, and each piece on which it raises alone. Raises StageFailed, StoreError.

    ``control`` raises if ``work`` is at fault, whatever the pieces are.
    """
    results, failure = await _attempt(lambda: work(pieces))
    if failure is None:
        return results, []
    _, failure_without = await _attempt(control) if pieces else ([], failure)
    if failure_without is not None:
        raise StageFailed("the stage fails without any piece") from failure_without
    if len(pieces) == 1:
        return [], [(pieces[0], failure)]
    step = 1 if len(pieces) <= SINGLY else (len(pieces) + 1) // 2
    results, failed = [], []
    for start in range(0, len(pieces), step):
        more_results, more_failed = await isolate(pieces[start : start + step], work, control)
        results += more_results
        failed += more_failed
    return results, failed


async def _attempt(work: Callable[[], Awaitable[R]]) -> tuple[list[R], Exception | None]:
    """Return the result of ``work``, or none and the error. Raises StoreError."""
    try:
        return [await work()], None
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - any bug; it is logged when its piece is set aside
        return [], error
