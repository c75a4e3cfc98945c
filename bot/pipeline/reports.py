"""What a pass says of its feeds, to people and to the log. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot import model
from bot.pipeline.ingest import IngestedPoll

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
    """What one pass polled and decided."""

    feeds: list[FeedReport] = field(default_factory=list)
    decisions: list[model.Decision] = field(default_factory=list)

    def add(self, other: PassReport) -> None:
        """Add what another pass polled and decided."""
        self.feeds += other.feeds
        self.decisions += other.decisions

    @property
    def broken(self) -> list[FeedReport]:
        """The feeds that failed."""
        return [feed for feed in self.feeds if feed.error]


def report_of(poll: IngestedPoll, now: datetime) -> FeedReport:
    """The report of an ingested poll; its lateness is counted until ``now``."""
    return FeedReport(
        url=poll.state.url,
        error=poll.state.error,
        is_changed=poll.polled.reading is not None,
        new=poll.new_count,
        matched=len(poll.arrivals),
        lateness=max(now - poll.polled.state.due_at, timedelta()),
    )


def log_poll(poll: IngestedPoll, told: FeedReport) -> None:
    """One line in the log for each poll."""
    answer = poll.polled.answer
    fields = {
        "poll": poll.polled.id,
        "feed": told.url,
        "status": answer.status if answer else None,
        "new": told.new,
        "matched": told.matched,
    }
    if poll.polled.postponed_to is not None:
        log.debug("feed postponed", poll=poll.polled.id, feed=told.url, to=poll.polled.postponed_to)
    elif told.error:
        # A warning when it begins to fail; that it goes on is no news, and the operator is notified of what lasts.
        is_news = not poll.polled.state.failures or poll.state.gone
        (log.warning if is_news else log.info)("feed polled", **fields, error=told.error)
    else:
        log.info("feed polled", **fields)
