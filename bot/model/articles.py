"""An article: one piece of writing, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.ids import ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article, once, whatever number of feeds carry it."""

    id: ArticleId
    #: The feed that brought it first.
    feed: str
    outlet: str
    owner: str
    #: Canonical link; empty where the feed gives none.
    link: str
    title: str
    #: Clean text, blank lines between paragraphs.
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
    #: 1 at first; each material edit adds one.
    version: int = 1
    #: Sentences that the feed repeats and that are no text.
    left_out: tuple[str, ...] = ()
    #: The text is that of the article's page, not the feed's teaser.
    is_full_text: bool = False

    @property
    def when(self) -> datetime:
        """Order of telling: published where sane, never later than first seen."""
        return min(self.published, self.first_seen) if self.published else self.first_seen
