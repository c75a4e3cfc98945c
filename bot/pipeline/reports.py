"""Reports of passes, and the observers that the stages notify."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from bot.model.alerts import Decision
from bot.model.language_models import Completion
from bot.model.messages import Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """The report of one feed in a pass."""

    url: str
    error: str | None
    is_changed: bool
    new: int
    matched: int
    #: Time from the feed's due time to the intake of its poll.
    lateness: timedelta = timedelta()


@dataclass(slots=True, kw_only=True)
class PassReport:
    """The feeds and decisions of one pass."""

    feeds: list[FeedReport] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def add(self, other: PassReport) -> None:
        """Add the report of another pass."""
        self.feeds += other.feeds
        self.decisions += other.decisions

    @property
    def broken(self) -> list[FeedReport]:
        """The feeds that failed."""
        return [feed for feed in self.feeds if feed.error]


class Observer:
    """Receives events when they happen. Subclasses override the methods of the events that they need."""

    def on_feed(self, report: FeedReport) -> None:
        """A feed was polled, and the result was stored."""

    def on_decided(self, decision: Decision) -> None:
        """A decision was committed."""

    def on_outcome(self, row: Outgoing) -> None:
        """A row of the outbox was written after an attempt to send it, successful or not."""

    def on_completion(self, completion: Completion) -> None:
        """A language model was called."""
