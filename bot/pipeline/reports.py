"""Reports of passes, and the observers that the stages notify."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from bot.model.alerts import Decision
from bot.model.language_models import Completion
from bot.model.messages import Outgoing


class FeedReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report of one feed in a pass."""

    url: str
    error: str | None
    is_changed: bool
    new: int
    matched: int
    #: Time from the feed's due time to the intake of its poll.
    lateness: timedelta = timedelta()


class PassReport(msgspec.Struct, kw_only=True):
    """The feeds and decisions of one pass."""

    feeds: list[FeedReport] = msgspec.field(default_factory=list)
    decisions: list[Decision] = msgspec.field(default_factory=list)

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
