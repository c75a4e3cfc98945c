"""A brief: what a channel's readers need to know about a period, in sections of ranked entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.model.rules import Severity
from bot.model.stories import ArticleId, Fact, StoryId


class SectionKind(StrEnum):
    """The sections of a brief, in their order."""

    NEW = "new"
    #: Stories of earlier briefs with news.
    CHANGED = "changed"
    DEADLINES = "deadlines"
    SURGES = "surges"
    HELD = "held"
    FEEDS = "feeds"

    @property
    def heading(self) -> str:
        """The heading of the section."""
        return _HEADINGS[self]


_HEADINGS = {
    SectionKind.NEW: "New stories",
    SectionKind.CHANGED: "News in earlier stories",
    SectionKind.DEADLINES: "Deadlines ahead",
    SectionKind.SURGES: "Surges",
    SectionKind.HELD: "Held back",
    SectionKind.FEEDS: "Feeds that do not work",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSentence:
    """A checked sentence of a language model, with the words of an article that support it. All are untrusted."""

    text: str
    #: The article's headline or sentence that has all names, numbers and dates of ``text``.
    quote: str
    outlet: str
    link: str
    story: StoryId
    #: The model's name in the configuration.
    model: str

    @property
    def mark(self) -> str:
        """The note that shows readers who wrote the sentence."""
        return f"[summary by {self.model}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefEntry:
    """One entry of a brief, at most two lines long. Texts from articles and names are untrusted."""

    #: None if the entry is not about a story.
    story: StoryId | None = None
    severity: Severity | None = None
    #: Words before the headline, such as the day of a deadline, or the whole text of an entry without a headline.
    opening: str = ""
    headline: str = ""
    link: str = ""
    #: The article with the headline.
    article: ArticleId | None = None
    #: Outlets, rule, claim and the like.
    details: tuple[str, ...] = ()
    #: The newest fact in the period.
    fact: Fact | None = None
    #: A sentence of an article, for a story that the readers have not seen.
    quote: str = ""
    #: A language model's sentence, which replaces ``quote``.
    summary: ModelSentence | None = None
    #: The outlet of the sentence, if it is not that of the headline.
    quote_outlet: str = ""
    #: Whether no earlier message of the channel shows the story.
    is_unseen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefSection:
    """One section with its first entries, most important first."""

    kind: SectionKind
    entries: tuple[BriefEntry, ...]
    #: Number of further entries.
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The brief of one channel, or of all channels if ``channel`` is None. Empty sections are omitted."""

    channel: str | None
    since: datetime
    until: datetime
    sections: tuple[BriefSection, ...]
    #: A language model's sentences about the most important stories.
    overview: tuple[ModelSentence, ...] = ()

    def count(self, kind: SectionKind) -> int:
        """Return the number of all entries of a section."""
        return sum(len(section.entries) + section.more for section in self.sections if section.kind is kind)


#: Maximum share of a brief's entries for each section except the new stories, which get the remaining room.
_SHARES: Mapping[SectionKind, float] = {
    SectionKind.CHANGED: 0.3,
    SectionKind.DEADLINES: 0.15,
    SectionKind.SURGES: 0.1,
    SectionKind.HELD: 0.15,
    SectionKind.FEEDS: 0.05,
}


def shorten_brief(brief: Brief, most: int) -> Brief:
    """Return the brief with about ``most`` entries. Each section keeps at least one."""
    room: dict[SectionKind, int] = {
        section.kind: min(len(section.entries), max(1, round(most * _SHARES[section.kind])))
        for section in brief.sections
        if section.kind is not SectionKind.NEW
    }
    room[SectionKind.NEW] = max(1, most - sum(room.values()))
    return replace(
        brief,
        sections=tuple(
            replace(
                section,
                entries=section.entries[: room[section.kind]],
                more=section.more + max(0, len(section.entries) - room[section.kind]),
            )
            for section in brief.sections
        ),
    )
