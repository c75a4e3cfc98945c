"""A brief: what a channel's readers need to know about a period, in sections of ranked entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    SectionKind.SURGES: "Surges",
    SectionKind.HELD: "Held back",
    SectionKind.FEEDS: "Feeds that do not work",
}


#: Approximate length of a line in a chat on a wide screen.
LINE_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefEntry:
    """One entry of a brief, at most two lines long. Texts from articles and names are untrusted."""

    #: None if the entry is not about a story.
    story: StoryId | None = None
    severity: Severity | None = None
    #: Words before the headline, such as the rule of a surge, or the whole text of an entry without a headline.
    opening: str = ""
    headline: str = ""
    link: str = ""
    #: The article with the headline.
    article: ArticleId | None = None
    rule: str = ""
    #: Entries of one tier weigh the same.
    tier: int = 0
    #: Outlets, rule and the like.
    details: tuple[str, ...] = ()
    #: Other reports of a thread, which have no ``story``, then stories that may be about the same event.
    parts: tuple[BriefEntry, ...] = ()
    #: The newest fact in the period.
    fact: Fact | None = None
    #: A sentence of an article, for a story that the readers have not seen.
    quote: str = ""
    #: The outlet of the sentence, if it differs from the headline's outlet.
    quote_outlet: str = ""
    #: Whether no other message of the channel shows the story, or its news.
    is_unseen: bool = False

    @property
    def articles(self) -> Mapping[StoryId, ArticleId | None]:
        """The stories of the entry, each with the article whose headline is shown."""
        return {entry.story: entry.article for entry in (self, *self.parts) if entry.story}

    @property
    def line_count(self) -> int:
        """The approximate number of lines in a message."""
        # A mark or " · " is before each text.
        length = sum(len(text) + 3 for text in (self.opening, self.headline, *self.details))
        has_text = self.fact or self.quote or self.parts
        return 2 + max(0, len(self.parts) - 2) if has_text or length > LINE_LENGTH else 1


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

    def count(self, kind: SectionKind) -> int:
        """Return the number of all entries of a section."""
        return sum(len(section.entries) + section.more for section in self.sections if section.kind is kind)


#: Maximum share of a brief's lines for each section except the new stories, which get the remaining room.
_SHARES: Mapping[SectionKind, float] = {
    SectionKind.CHANGED: 0.3,
    SectionKind.SURGES: 0.1,
    SectionKind.HELD: 0.15,
    SectionKind.FEEDS: 0.05,
}


def shorten_brief(brief: Brief, most_lines: int) -> Brief:
    """Return the brief with about ``most_lines`` lines, headings included. Each section keeps at least one entry."""
    room = most_lines - 2 - len(brief.sections)
    reserved = {
        section.kind: min(sum(entry.line_count for entry in section.entries), max(2, round(room * share)))
        for section in brief.sections
        if (share := _SHARES.get(section.kind))
    }
    spare = room - sum(reserved.values())
    sections = []
    for section in brief.sections:
        limit = max(spare, 0) + reserved.get(section.kind, 0)
        entries = _choose(section.entries, limit)
        spare = limit - sum(entry.line_count for entry in entries)
        more = section.more + len(section.entries) - len(entries)
        sections.append(replace(section, entries=entries, more=more))
    return replace(brief, sections=tuple(sections))


def _choose(entries: Sequence[BriefEntry], most_lines: int) -> tuple[BriefEntry, ...]:
    """Return the entries to show, in their order: the weightiest, and of one tier as many of each rule."""
    places = Counter[tuple[int, str]]()
    order = []
    for index, entry in enumerate(entries):
        places[entry.tier, entry.rule] += 1
        order.append((entry.tier, places[entry.tier, entry.rule], index))
    chosen: set[int] = set()
    lines = 0
    for *_, index in sorted(order):
        lines += entries[index].line_count
        if lines > most_lines and chosen:
            break
        chosen.add(index)
    return tuple(entry for index, entry in enumerate(entries) if index in chosen)
