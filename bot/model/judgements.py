"""What people say of a story that was told to them, and what that silences."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.ids import JudgementId, SendId, StoryId

#: How long a snoozed rule stays silent.
SNOOZE = timedelta(days=1)


class Verdict(StrEnum):
    """What a reader reports by a button."""

    #: Of the story under a rule: the later one of a person counts.
    USEFUL = "useful"
    NOISE = "noise"
    #: The story says nothing more in the channel, until it is unmuted.
    MUTED = "muted"
    UNMUTED = "unmuted"
    #: The rule opens no thread and adds to none in the channel for a day, until it is woken.
    SNOOZED = "snoozed"
    WOKEN = "woken"
    #: Somebody takes care of the story, until they release it or somebody else claims it.
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    #: A rule, an outlet or a name is to be silenced for a day: no judgement, a silence.
    SILENCED = "silenced"
    #: An article of the story tells another event: no judgement, a ruling.
    OTHER_EVENT = "other"

    @property
    def is_of_rule(self) -> bool:
        """It judges a rule; the others judge the story whatever its rules."""
        return self in (Verdict.USEFUL, Verdict.NOISE, Verdict.SNOOZED, Verdict.WOKEN)

    @property
    def is_of_claim(self) -> bool:
        """It says who takes care of the story."""
        return self in (Verdict.CLAIMED, Verdict.UNCLAIMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One person's word on one story, under one rule."""

    id: JudgementId
    at: datetime
    #: The channel's own id of the person (Slack: U0123ABCD); of who has only a name, that.
    by: str
    #: As whom people of any service see them; empty: as ``by``.
    name: str = ""
    channel: str
    story: StoryId
    verdict: Verdict
    #: The rule's name; empty where the verdict is of the story.
    rule: str = ""
    #: The message that was judged.
    message: SendId
    #: Of a snooze: its end.
    until: datetime | None = None

    @property
    def author(self) -> str:
        """Who it was, for people."""
        return self.name or self.by


def rule_key(name: str) -> str:
    """A short name of a rule for a button: Slack takes 150 characters there, and a name may have more."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]


def entity_key(name: str) -> str:
    """A short name of an entity for a button, by its length no rule's and no article's."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
