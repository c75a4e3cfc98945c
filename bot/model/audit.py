"""The audit: reports that outside indexes list, the events that they report, and the questions to the indexes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.stories import ArticleId

#: A report that no feed has carried counts when it is this old, so that a feed which is polled less often is not late.
SETTLED_AFTER = timedelta(hours=1)
#: The period of the recall, and the smallest number of outside stories from which it is shown.
RECALL_PERIOD, FEWEST_STORIES = timedelta(days=30), 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideReport:
    """A report that an outside index listed and a rule matched."""

    id: ArticleId
    rule: str
    #: The place of the first index that listed it.
    place: str
    #: The event that it reports: the id of a story or an article of our feeds, or of the first outside report about it.
    event: str
    title: str
    #: The beginning of the text that the index shows.
    text: str
    link: str
    outlet: str
    #: The domain of the outlet, or empty if the index does not say it.
    site: str
    #: The published date.
    reported_at: datetime
    #: Since when it counts, or None while a feed may still carry it in time (``SETTLED_AFTER``).
    counted_at: datetime | None = None
    #: Whether no feed had carried the event when the report was first compared.
    is_missed: bool = False
    #: When the first feed carried the event, or None if no feed has.
    carried_at: datetime | None = None


class Coverage(StrEnum):
    """Whether our feeds carried what an outside index listed."""

    CARRIED = "carried"
    #: A feed carried it after the audit had not found it in any feed.
    LATE = "late"
    ONLY_ELSEWHERE = "only elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideEvent:
    """An event of a rule that outside indexes listed."""

    rule: str
    event: str
    #: The time of the first outside report.
    reported_at: datetime
    is_missed: bool
    carried_at: datetime | None

    @property
    def coverage(self) -> Coverage:
        """Whether our feeds carried it."""
        if self.carried_at is None:
            return Coverage.ONLY_ELSEWHERE
        return Coverage.LATE if self.is_missed else Coverage.CARRIED


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexQuestion:
    """The daily question about one rule to one index."""

    rule: str
    #: The address of the search.
    url: str
    #: The place of the index: google-news, bing-news or gdelt.
    place: str
    #: The version of the rule. If the rule changes, its feeds must have been matched with it from then on.
    version: str
    #: Older reports do not count, because the rule did not exist yet.
    began_at: datetime
    due_at: datetime
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    #: The number of failures of the index in a row, up to this one.
    failures: int = 0
    error: str = ""
    #: The index is not asked before this time.
    retry_at: datetime | None = None


def last_questions(questions: Iterable[IndexQuestion]) -> dict[str, IndexQuestion]:
    """Return index -> the last question sent to it. Omit an index without such a question."""
    last: dict[str, IndexQuestion] = {}
    for question in questions:
        at, earlier = question.asked_at, last.get(question.place)
        if at is not None and (earlier is None or earlier.asked_at is None or earlier.asked_at <= at):
            last[question.place] = question
    return last


def recall_of(events: int, missed: int) -> float | None:
    """Return the share of outside stories that our feeds carried, or None if there are too few."""
    return (events - missed) / events if events >= FEWEST_STORIES else None
