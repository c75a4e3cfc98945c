"""A silence: its subject, channels, end, author and reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

#: Eight hex digits, so that people can type it.
SilenceId = NewType("SilenceId", str)


class SilenceKind(StrEnum):
    """The kind of subject that a silence covers."""

    #: One story.
    STORY = "story"
    RULE = "rule"
    #: The articles of one outlet.
    OUTLET = "outlet"
    #: The articles whose headline has a name.
    ENTITY = "entity"
    #: Every story.
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing is posted about a subject, in some channels or in all, until a time or until somebody ends it."""

    id: SilenceId
    at: datetime
    #: The author: a name, else the channel's id of the person, or the account that ran the command.
    by: str
    kind: SilenceKind
    #: The rule, the outlet or the entity as written, the story's id; empty: everything.
    name: str
    #: The channels that it covers; empty: every channel.
    channels: tuple[str, ...] = ()
    reason: str
    #: None: until somebody ends it; allowed only for a silence of a story.
    until: datetime | None
    #: When somebody ended it before its time.
    ended_at: datetime | None = None
    ended_by: str = ""

    def is_active(self, now: datetime) -> bool:
        """Return whether it is in force."""
        return self.ended_at is None and (self.until is None or now < self.until)

    def holds_in(self, channel: str) -> bool:
        """Return whether it covers this channel."""
        return not self.channels or channel in self.channels

    @property
    def subject(self) -> str:
        """Its subject in words: rule "Exits"."""
        return f'{self.kind.value} "{self.name}"' if self.name else self.kind.value

    @property
    def place(self) -> str:
        """Its channels in words."""
        return f"in {', '.join(self.channels)}" if self.channels else "in every channel"

    @property
    def summary(self) -> str:
        """The silence in one line, for a decision's detail and a notice."""
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC " if self.until else ""
        return f"{self.subject} {self.place} {until}by {self.by}: {self.reason} ({self.id})"
