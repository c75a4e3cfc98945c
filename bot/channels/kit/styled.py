"""Lines of styled runs, without any markup: what an outline is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot import model


class Style(StrEnum):
    """How a run of text is set off."""

    HEAD = "head"
    LINE = "line"
    QUOTE = "quote"
    #: Items that follow each other are one list.
    ITEM = "item"
    SMALL = "small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Text of one style, and where it links to."""

    text: str
    #: A safe address; empty: no link.
    link: str = ""
    is_bold: bool = False
    is_italic: bool = False
    is_struck: bool = False
    #: A time, which ``text`` has in the zone asked for; for services that show each reader their own.
    at: datetime | None = None
    #: The service's own id of a person, whom ``text`` names where they are not shown by it.
    person: str = ""
    #: The service's own id of somebody who is to be notified: ours, never from an article.
    mention: str = ""

    @property
    def parted(self) -> tuple[str, str, str]:
        """The space before, the words, and the space behind them: in markdown a mark beside a space is none."""
        words = self.text.strip()
        start = self.text.find(words)
        return self.text[:start], words, self.text[start + len(words) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a message."""

    style: Style
    runs: tuple[Run, ...]
    #: In a gathered message: the story that it belongs to.
    story: model.StoryId | None = None
    #: What stands in its place where there are no styles; empty: the line itself.
    unstyled: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(run.text for run in self.runs)
