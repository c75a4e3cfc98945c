"""A brief: what a channel's readers need to know about a period, in sections of ranked entries."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from bot.model.rules import Severity
from bot.model.stories import ArticleId, Fact, StoryId


class SectionKind(StrEnum):
    """The sections of a brief, in their order."""

    NEW = "new"
    #: Earlier stories with news.
    CHANGED = "changed"
    SURGES = "surges"
    HELD = "held"
    #: Stories of audited rules that no feed carried.
    ELSEWHERE = "elsewhere"

    @property
    def heading(self) -> str:
        """The heading of the section."""
        return _HEADINGS[self]


_HEADINGS = {
    SectionKind.NEW: "New stories",
    SectionKind.CHANGED: "News in earlier stories",
    SectionKind.SURGES: "Surges",
    SectionKind.HELD: "Held back",
    SectionKind.ELSEWHERE: "Seen only elsewhere",
}


#: Approximate length of a line in a chat on a wide screen.
LINE_LENGTH = 100


class BriefEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a brief, at most two lines long. Texts from articles and names are untrusted."""

    #: None if the entry is a surge, or another report of a thread.
    story: StoryId | None = None
    severity: Severity | None = None
    headline: str = ""
    link: str = ""
    #: The article with the headline.
    article: ArticleId | None = None
    rule: str = ""
    #: Outlets, rule, the reason of a hold and the like.
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
    def stories(self) -> tuple[BriefEntry, ...]:
        """The stories of the entry: itself and its parts, without surges and other reports of a thread."""
        return tuple(entry for entry in (self, *self.parts) if entry.story)

    @property
    def line_count(self) -> int:
        """The approximate number of lines in a message."""
        # A mark or " · " is before each text.
        length = sum(len(text) + 3 for text in (self.headline, *self.details))
        has_text = self.fact or self.quote or self.parts
        return 2 + max(0, len(self.parts) - 2) if has_text or length > LINE_LENGTH else 1


class BriefSection(msgspec.Struct, frozen=True, kw_only=True):
    """One section with its first entries, most important first."""

    kind: SectionKind
    entries: tuple[BriefEntry, ...]
    #: Number of further entries.
    more: int = 0
    #: For stories that were seen only elsewhere: “3 of 41 stories”.
    share: str = ""

    @property
    def heading(self) -> str:
        """The heading of the section."""
        return f"{self.kind.heading}: {self.share}" if self.share else self.kind.heading


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """The brief of one channel, or of all channels if ``channel`` is None. Empty sections are omitted."""

    channel: str | None
    since: datetime
    until: datetime
    sections: tuple[BriefSection, ...]

    def count(self, kind: SectionKind) -> int:
        """Return the number of all entries of a section."""
        return sum(len(section.entries) + section.more for section in self.sections if section.kind is kind)


def shorten_brief(brief: Brief, most_lines: int) -> Brief:
    """Return the brief with about ``most_lines`` lines, headings included.

    Each section keeps its first entry. The new stories get twice as many lines as each other section.
    """
    shown = {section.kind: list(section.entries) for section in brief.sections}
    lines = {kind: sum(entry.line_count for entry in entries) for kind, entries in shown.items()}
    room = most_lines - 2 - len(shown)
    while sum(lines.values()) > room and (longer := [kind for kind, entries in shown.items() if len(entries) > 1]):
        longest = max(longer, key=lambda kind: lines[kind] if kind is SectionKind.NEW else 2 * lines[kind])
        lines[longest] -= shown[longest].pop().line_count
    sections = (
        replace(
            section,
            entries=tuple(shown[section.kind]),
            more=section.more + len(section.entries) - len(shown[section.kind]),
        )
        for section in brief.sections
    )
    return replace(brief, sections=tuple(sections))
