"""What a pass says of its feeds, to people and to the log. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot import model
from bot.pipeline.ingest import Intake

log = structlog.get_logger("wirewatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """What a pass says of one feed."""

    url: str
    error: str | None
    is_changed: bool
    new: int
    matched: int
    #: How long after its due time it was taken in.
    lateness: timedelta = timedelta()


@dataclass(slots=True, kw_only=True)
class PassReport:
    feeds: list[FeedReport] = field(default_factory=list)
    decisions: list[model.Decision] = field(default_factory=list)

    def add(self, other: PassReport) -> None:
        self.feeds += other.feeds
        self.decisions += other.decisions

    @property
    def broken(self) -> list[FeedReport]:
        return [feed for feed in self.feeds if feed.error]


def report_of(intake: Intake, now: datetime) -> FeedReport:
    return FeedReport(
        url=intake.state.url,
        error=intake.state.error,
        is_changed=intake.polled.reading is not None,
        new=intake.new_count,
        matched=len(intake.arrivals),
        lateness=max(now - intake.polled.state.due_at, timedelta()),
    )


def log_poll(intake: Intake, told: FeedReport) -> None:
    answer = intake.polled.answer
    fields = {
        "poll": intake.polled.id,
        "feed": told.url,
        "status": answer.status if answer else None,
        "new": told.new,
        "matched": told.matched,
    }
    if told.error:
        log.warning("feed polled", **fields, error=told.error)
    else:
        log.info("feed polled", **fields)
