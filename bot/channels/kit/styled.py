"""Lines of styled runs, without any markup: what an outline is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot import model


class Style(StrEnum):
    """How a line is displayed."""

    HEAD = "head"
    LINE = "line"
    QUOTE = "quote"
    #: Consecutive items form one list.
    ITEM = "item"
    SMALL = "small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Text of one style, and its link."""

    text: str
    #: A safe address, empty without a link.
    link: str = ""
    is_bold: bool = False
    is_italic: bool = False
    is_struck: bool = False
    #: The time that ``text`` states, for services that show it in each reader's zone.
    at: datetime | None = None
    #: The service's id of a person, for services that show the name by it; ``text`` names them for others.
    person: str = ""
    #: The service's id of somebody to notify; from the configuration, never from an article.
    mention: str = ""

    @property
    def parted(self) -> tuple[str, str, str]:
        """Leading space, words and trailing space: Markdown ignores a mark next to a space."""
        words = self.text.strip()
        start = self.text.find(words)
        return self.text[:start], words, self.text[start + len(words) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a message."""

    style: Style
    runs: tuple[Run, ...]
    #: The story of the line in a gathered message.
    story: model.StoryId | None = None
    #: The lines to show instead where styles are not available; empty for the line itself.
    unstyled: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(run.text for run in self.runs)
