"""Reports of polled feeds, for people and for the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot import model
from bot.pipeline.ingest import IngestedPoll

log = structlog.get_logger("wirewatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """The report of one feed in a pass."""

    url: str
    error: str | None
    is_changed: bool
    new: int
    matched: int
    #: The time from its due time to its intake.
    lateness: timedelta = timedelta()


@dataclass(slots=True, kw_only=True)
class PassReport:
    """The feeds and decisions of one pass."""

    feeds: list[FeedReport] = field(default_factory=list)
    decisions: list[model.Decision] = field(default_factory=list)

    def add(self, other: PassReport) -> None:
        """Add the report of another pass."""
        self.feeds += other.feeds
        self.decisions += other.decisions

    @property
    def broken(self) -> list[FeedReport]:
        """The feeds that failed."""
        return [feed for feed in self.feeds if feed.error]


def report_of(poll: IngestedPoll, now: datetime) -> FeedReport:
    """Return the report of a poll; its lateness is counted until ``now``."""
    return FeedReport(
        url=poll.state.url,
        error=poll.state.error,
        is_changed=poll.polled.reading is not None,
        new=poll.new_count,
        matched=len(poll.arrivals),
        lateness=max(now - poll.polled.state.due_at, timedelta()),
    )


def log_poll(poll: IngestedPoll, report: FeedReport) -> None:
    """Log one line for a poll."""
    answer = poll.polled.answer
    fields = {
        "poll": poll.polled.id,
        "feed": report.url,
        "status": answer.status if answer else None,
        "new": report.new,
        "matched": report.matched,
    }
    if poll.polled.postponed_to is not None:
        log.debug("feed postponed", poll=poll.polled.id, feed=report.url, to=poll.polled.postponed_to)
    elif report.error:
        # A warning only when the feed begins to fail; the operator gets a notice if it continues.
        is_first = not poll.polled.state.failures or poll.state.gone
        (log.warning if is_first else log.info)("feed polled", **fields, error=report.error)
    else:
        log.info("feed polled", **fields)
