"""What people say of a story that was posted: whether it was worth it, and who takes care of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.ids import JudgementId, SendId, StoryId


class Verdict(StrEnum):
    """What a judgement says."""

    #: Of the story under a rule: the later one of a person counts.
    USEFUL = "useful"
    NOISE = "noise"
    #: Somebody takes care of the story, until they release it or somebody else claims it.
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"

    @property
    def is_of_rule(self) -> bool:
        """Whether it judges a rule; the others are about the story, whatever its rules."""
        return self in (Verdict.USEFUL, Verdict.NOISE)


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
