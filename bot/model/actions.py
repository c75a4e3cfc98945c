"""Actions of people on stories, and their results in the store: silences, judgements and rulings.

a button, a command, the CLI, the API ──▶ Action ──▶ pipeline.actions ──▶ Silence, Judgement, Ruling
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, TypeAlias

import msgspec

from bot.model.stories import ArticleId, JudgementId, SendId, StoryId

#: Eight hex digits, so that people can type the id.
SilenceId = NewType("SilenceId", str)


class SilenceKind(StrEnum):
    """The kind of subject that a silence covers."""

    RULE = "rule"
    #: The articles of one outlet.
    OUTLET = "outlet"
    #: One story.
    STORY = "story"


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A period in which nothing is posted about a subject, in some channels or in all."""

    id: SilenceId
    at: datetime
    #: The author: the person's name (or id in the channel, if unnamed), or the account that ran the command.
    by: str
    kind: SilenceKind
    #: The name of the rule or outlet, or the story's id.
    name: str
    #: The channels that the silence covers. Empty means every channel.
    channels: tuple[str, ...] = ()
    reason: str
    #: The end of the silence. None means until somebody ends it, which only a silence of a story allows.
    until: datetime | None
    #: When somebody ended the silence early, or None.
    ended_at: datetime | None = None
    ended_by: str = ""

    def is_active(self, now: datetime) -> bool:
        """Return whether the silence is in force."""
        return self.ended_at is None and (self.until is None or now < self.until)

    def holds_in(self, channel: str) -> bool:
        """Return whether the silence covers this channel."""
        return not self.channels or channel in self.channels

    @property
    def subject(self) -> str:
        """The subject in words, such as ``rule "Exits"``."""
        return f'{self.kind.value} "{self.name}"'

    @property
    def place(self) -> str:
        """The channels in words, such as "in every channel"."""
        return f"in {', '.join(self.channels)}" if self.channels else "in every channel"

    @property
    def summary(self) -> str:
        """The silence in one line, for a decision's detail and a notice."""
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC " if self.until else ""
        return f"{self.subject} {self.place} {until}by {self.by}: {self.reason} ({self.id})"


class Verdict(StrEnum):
    """Whether a story was worth its message. The last verdict of each person counts."""

    USEFUL = "useful"
    NOISE = "noise"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """One person's judgement of one story, under one rule."""

    id: JudgementId
    at: datetime
    #: The channel's id of the person (Slack: U0123ABCD).
    by: str
    channel: str
    story: StoryId
    verdict: Verdict
    rule: str
    #: The message that was judged.
    message: SendId


def rule_key(name: str) -> str:
    """Return a short key of a rule for a button, because its name may exceed the 150 characters that Slack allows."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]


class RulingKind(StrEnum):
    #: These articles are about a different event than their story.
    SPLIT = "split"
    #: The story is the same event as another, which remains.
    MERGE = "merge"


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """A person's decision to split or merge stories, which grouping never undoes."""

    #: The id stays the same if the request is delivered again.
    id: str
    at: datetime
    #: The channel's id of the person, or the name of the account that ran the command.
    by: str
    kind: RulingKind
    #: The story that the articles leave, or that is merged into ``other``.
    story: StoryId
    #: For a split: the articles that leave.
    articles: tuple[ArticleId, ...] = ()
    #: For a merge: the story that remains.
    other: StoryId | None = None
    #: When the ruling was carried out. None means that the next turn will carry it out, unless it failed.
    done_at: datetime | None = None
    #: When the bot gave up the ruling, because it could not be carried out.
    failed_at: datetime | None = None


#: Duration of a silence made by a button; a silence of a story has no end.
BUTTON_SILENCE = timedelta(days=1)


class Useful(msgspec.Struct, frozen=True, kw_only=True):
    """The story was worth its message, under every rule that the message names."""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """The story was not worth its message."""

    #: The key of the rule (model.rule_key). Empty means every rule that the message names.
    rule: str = ""


class MakeSilence(msgspec.Struct, frozen=True, kw_only=True):
    """Start a silence about a subject."""

    kind: SilenceKind
    #: The subject as people write it: a rule's or an outlet's name or a part of it, or the id of a story. A button
    #: carries a key instead: a rule's key, the id of an article of the outlet, or nothing for the message's story.
    name: str = ""
    #: None means no end, which only a silence of a story may have.
    lasts: timedelta | None = None
    #: Empty for a button.
    reason: str = ""
    #: Whether the silence covers only the channel of the message. Set by buttons.
    is_here: bool = False
    #: The channels that the silence covers. Empty means every channel in which the person may act.
    channels: tuple[str, ...] = ()


class EndSilence(msgspec.Struct, frozen=True, kw_only=True):
    """End a silence before its time."""

    id: str


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """These articles of the story are about a different event."""

    articles: tuple[ArticleId, ...]


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """The story and another one are the same event."""

    other: StoryId


class ShowWhy(msgspec.Struct, frozen=True, kw_only=True):
    """Show why the story was posted and what was decided about it."""


class ShowMenu(msgspec.Struct, frozen=True, kw_only=True):
    """Show more actions, in a service whose messages do not show them."""


Action: TypeAlias = Useful | Noise | MakeSilence | EndSilence | Split | Merge | ShowWhy | ShowMenu
