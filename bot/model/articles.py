"""An article: one piece of writing, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.ids import ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article, stored once however many feeds carry it."""

    id: ArticleId
    #: The feed in which it was first seen.
    feed: str
    outlet: str
    owner: str
    #: Canonical link; empty if the feed has none.
    link: str
    title: str
    #: Clean text; paragraphs are separated by blank lines.
    text: str
    author: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    first_seen: datetime
    #: Outgoing links of the body, canonical.
    links: tuple[str, ...] = ()
    #: SHA-256 over folded title and text.
    fingerprint: str
    #: Starts at 1; each material edit adds 1.
    version: int = 1
    #: Removed sentences that the feed repeats in its items.
    left_out: tuple[str, ...] = ()
    #: The text comes from the article's page, not from the feed.
    is_full_text: bool = False

    @property
    def when(self) -> datetime:
        """The time by which articles are ordered: the published date, but never later than first seen."""
        return min(self.published, self.first_seen) if self.published else self.first_seen
