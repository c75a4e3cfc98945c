"""A silence: what people want nothing posted about, where, until when, who made it and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

#: Eight hex digits, so that people can type it.
SilenceId = NewType("SilenceId", str)


class SilenceKind(StrEnum):
    """What a silence covers."""

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
    #: Who made it: a name, else the channel's own id of the person, or the account that ran the command.
    by: str
    kind: SilenceKind
    #: The rule, the outlet or the entity as written, the story's id; empty: everything.
    name: str
    #: Where it holds; empty: in every channel.
    channels: tuple[str, ...] = ()
    reason: str
    #: None: until somebody ends it, which only a silence of a story may be.
    until: datetime | None
    #: When somebody ended it before its time; None: nobody has.
    ended_at: datetime | None = None
    ended_by: str = ""

    def is_active(self, now: datetime) -> bool:
        """Return whether neither its time nor anybody has ended it."""
        return self.ended_at is None and (self.until is None or now < self.until)

    def holds_in(self, channel: str) -> bool:
        """Return whether it covers this channel."""
        return not self.channels or channel in self.channels

    @property
    def subject(self) -> str:
        """What it covers, in words: rule "Exits"."""
        return f'{self.kind.value} "{self.name}"' if self.name else self.kind.value

    @property
    def place(self) -> str:
        """Where it holds, in words."""
        return f"in {', '.join(self.channels)}" if self.channels else "in every channel"

    @property
    def summary(self) -> str:
        """All of it in one line, as a decision's detail and a notice show it."""
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC " if self.until else ""
        return f"{self.subject} {self.place} {until}by {self.by}: {self.reason} ({self.id})"
