"""A silence: what people want nothing posted about for a while, who said so and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

#: Eight hex digits, so that people can type it.
SilenceId = NewType("SilenceId", str)


class SilenceKind(StrEnum):
    """What a silence is about."""

    RULE = "rule"
    #: The articles of one outlet.
    OUTLET = "outlet"
    #: The articles whose headline has a name.
    ENTITY = "entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """In every channel nothing is posted about a rule, an outlet or an entity until a time."""

    id: SilenceId
    at: datetime
    #: Who: the channel's own id of the person, or the name of the account that ran the command.
    by: str
    kind: SilenceKind
    #: Of the rule, the outlet or the entity, as written.
    name: str
    reason: str
    until: datetime
    #: When somebody ended it before its time; None: nobody has.
    ended_at: datetime | None = None
    ended_by: str = ""

    def is_active(self, now: datetime) -> bool:
        """It has begun, and neither its time nor anybody has ended it."""
        return self.ended_at is None and now < self.until

    @property
    def told(self) -> str:
        """In words, as a decision's detail."""
        what = f'{self.kind.value} "{self.name}"'
        return f"silenced: {what} until {self.until:%Y-%m-%d %H:%M} UTC by {self.by}: {self.reason} ({self.id})"
