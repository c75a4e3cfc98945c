"""A surge: a time in which a rule's coverage is far above what is usual."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from bot.model.rules import Severity
from bot.model.stories import StoryId


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """The coverage of one rule in the window that ends now."""

    #: Number of independent articles in the window.
    count: int
    #: The number of articles that is usual in a window at this hour, from the previous weeks.
    usual: float

    @property
    def factor(self) -> float:
        """The count divided by the usual number, or by one if the usual number is lower."""
        return self.count / max(self.usual, 1.0)


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A story that makes up a part of a surge."""

    story: StoryId
    headline: str
    #: The outlets that report it, in order of arrival.
    outlets: tuple[str, ...]
    #: Number of the story's independent articles in the window.
    count: int
    began_at: datetime


class Causes(msgspec.Struct, frozen=True, kw_only=True):
    """The stories of a surge."""

    #: The one to three largest stories, largest first.
    largest: tuple[Cause, ...] = ()
    #: Number of all stories with articles in the window.
    story_count: int = 0
    #: Number of independent articles in all these stories.
    article_count: int = 0
    #: Number of these articles in stories that several outlets report.
    shared_count: int = 0
    #: Number of independent outlets in all these stories.
    outlet_count: int = 0

    @property
    def is_one_event(self) -> bool:
        """Whether the largest story has at least half of the articles."""
        return bool(self.largest) and 2 * self.largest[0].count >= self.article_count


class Surge(msgspec.Struct, frozen=True, kw_only=True):
    """One surge of one rule, which has one message in each channel."""

    #: Derived from the rule and the time at which the surge was found.
    id: str
    rule: str
    #: The version of the rule, its severity and its window when the surge was found.
    version: str
    severity: Severity
    window: timedelta
    opened_at: datetime
    #: The first hour of the window in which the surge was found. The articles of its stories count from then on.
    since: datetime
    #: The volume when the surge was last evaluated.
    now: Volume
    #: The largest volume, and the end of its window.
    peak: Volume
    peak_at: datetime
    causes: Causes
    #: None while the surge lasts.
    closed_at: datetime | None = None
    #: The time of the last change of its messages.
    shown_at: datetime
    #: The channels that have a message about the surge.
    channels: tuple[str, ...] = ()
