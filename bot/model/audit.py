"""The audit: reports that outside indexes list, and how many of the events in them our feeds carried."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from bot.model.stories import Article

#: A feed is late if it carries an event this long after the first outside report. Newer reports are not compared yet.
LATE_AFTER = timedelta(hours=1)
#: The period of the recall, and the smallest number of outside stories from which it is shown.
RECALL_PERIOD, FEWEST_STORIES = timedelta(days=30), 10


class OutsideReport(msgspec.Struct, frozen=True, kw_only=True):
    """An article that an outside index listed and a rule matched. Its feed is the index that listed it first."""

    article: Article
    rule: str
    #: The event that it reports: the id of a story or an article of our feeds, or of the first outside report about it.
    event: str
    #: When an index first listed it.
    listed_at: datetime
    #: When the first feed carried the event, or None if no feed has.
    carried_at: datetime | None = None


def name_outlets(reports: Iterable[OutsideReport]) -> dict[str, str]:
    """Return owner -> name of the outlets of reports, in their order. Some indexes show only an outlet's domain."""
    names: dict[str, str] = {}
    for report in reports:
        owner = report.article.owner
        if names.get(owner, owner) == owner:
            names[owner] = report.article.outlet
    return names


class OutsideEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that outside reports of a rule are about. The times are those of its first reports."""

    rule: str
    event: str
    listed_at: datetime
    reported_at: datetime
    carried_at: datetime | None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many outside stories our feeds carried in time, carried late, or did not carry."""

    carried: int
    late: int
    only_elsewhere: int
    #: How long after the first outside report the late stories were carried, on average. None if none was late.
    hours_late: float | None

    @property
    def stories(self) -> int:
        """The number of outside stories."""
        return self.carried + self.late + self.only_elsewhere

    @property
    def recall(self) -> float | None:
        """The share that feeds carried, or None if there are too few stories."""
        return (self.carried + self.late) / self.stories if self.stories >= FEWEST_STORIES else None


def count_coverage(events: Iterable[OutsideEvent]) -> Coverage:
    """Count events by whether feeds carried them."""
    delays = [event.carried_at - event.reported_at if event.carried_at else None for event in events]
    late = [delay for delay in delays if delay is not None and delay >= LATE_AFTER]
    missed = delays.count(None)
    hours = round(sum(late, timedelta()) / timedelta(hours=1) / len(late), 1) if late else None
    carried = len(delays) - len(late) - missed
    return Coverage(carried=carried, late=len(late), only_elsewhere=missed, hours_late=hours)
