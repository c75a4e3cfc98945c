"""Judgements of people about a posted story."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.ids import JudgementId, SendId, StoryId


class Verdict(StrEnum):
    """The content of a judgement."""

    #: About the story under a rule; the last judgement of each person counts.
    USEFUL = "useful"
    NOISE = "noise"
    #: Somebody has claimed the story, until they release it or somebody else claims it.
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"

    @property
    def is_of_rule(self) -> bool:
        """Whether it judges a rule, not the story as a whole."""
        return self in (Verdict.USEFUL, Verdict.NOISE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One person's judgement of one story, under one rule."""

    id: JudgementId
    at: datetime
    #: The channel's id of the person (Slack: U0123ABCD), or their name.
    by: str
    #: The name shown to people; empty: ``by``.
    name: str = ""
    channel: str
    story: StoryId
    verdict: Verdict
    #: The rule's name; empty if the verdict is about the story.
    rule: str = ""
    #: The message that was judged.
    message: SendId

    @property
    def author(self) -> str:
        """The name of the person, for people."""
        return self.name or self.by


def rule_key(name: str) -> str:
    """Return a short key of a rule for a button: Slack allows 150 characters there, and a name may have more."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]


def entity_key(name: str) -> str:
    """Return a short key of an entity for a button; its length differs from those of rules and articles."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
