"""An alert (one story in one channel), and the decisions about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from bot.model.actions import SilenceId
from bot.model.stories import ArticleId, Fact, SendId, StoryId


class AlertAction(StrEnum):
    """The effect of a decision on the channel."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"
    HOLD = "hold"
    SILENT = "silent"


class Reason(StrEnum):
    """The reason of a decision."""

    FIRST_REPORT = "first report"
    CORROBORATION = "corroboration"
    NEW_FACT = "new fact"
    CORRECTION = "correction"
    SECOND_RULE = "rule"
    #: The first report of another event in a thread (``group: rule``).
    OTHER_EVENT = "other event"
    ADDED_OUTLET = "added outlet"
    #: Another article of an outlet that already has an article in the story.
    ADDED_ARTICLE = "added article"
    MERGED = "merged"
    #: People took articles out of the story.
    SPLIT = "split"
    #: The headline of the message, or of the related story, has changed.
    RENAMED = "renamed"
    #: The story is listed in the channel's brief.
    BRIEF = "brief"
    BASELINE = "baseline"
    MIN_OUTLETS = "min outlets"
    QUIET_HOURS = "quiet hours"
    RATE_CAP = "rate cap"
    #: The first post waits, so that it can name several outlets.
    GATHER = "gather"
    COPY = "copy"
    RULE_PAUSED = "rule paused"
    JUDGED = "judged"
    #: A language model's summary has arrived.
    TRANSLATION = "translation"
    #: A silence holds the message back, or somebody started a silence under the message.
    SILENCED = "silenced"
    SILENCE_ENDED = "silence ended"
    #: No article can join the story any more. Only channels that keep records get this edit.
    COVERAGE_OVER = "coverage over"
    #: The coverage of a rule is far above what is usual.
    SURGE = "surge"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision about one story in one channel, with its reason."""

    at: datetime
    story: StoryId
    channel: str
    action: AlertAction
    reason: Reason
    #: Names of the rules to which the decision applies.
    rules: tuple[str, ...] = ()
    #: The article that caused the decision; None if the decision was made because a time was reached.
    article: ArticleId | None = None
    #: A detail for people, such as “quiet hours until 07:00 Asia/Karachi”.
    detail: str = ""
    #: For a hold: when to decide again, or None to wait for another article. For a reply: the end of quiet hours.
    until: datetime | None = None
    #: For a reply: the new facts.
    facts: tuple[Fact, ...] = ()
    #: The silence that held the message back, or None.
    silence: SilenceId | None = None


class AlertState(StrEnum):
    """The state of a story in a channel."""

    HELD = "held"
    POSTED = "posted"
    #: Listed but not posted, for example because of a silence or a baseline of more than five stories.
    SILENT = "silent"
    #: The story was merged into an older story.
    MERGED = "merged"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One story in one channel: its thread and what was posted there."""

    story: StoryId
    channel: str
    state: AlertState
    #: Rules that the message names, or will name.
    rules: tuple[str, ...]
    reason: Reason
    #: If held: when to decide again; None means at the next article.
    held_until: datetime | None = None
    #: The outbox row of the message at the head of the thread.
    head: SendId | None = None
    #: The message is a listing, which shows other stories too.
    is_gathered: bool = False
    posted_at: datetime | None = None
    #: Keys of the facts that were posted, as “label: after”, so that none is posted twice.
    posted_facts: tuple[str, ...] = ()
    #: The newest posted fact; shown in the message, so that the message does not announce an outdated value.
    latest: Fact | None = None
    #: Whether a reply has reported corroboration.
    is_corroborated: bool = False
    #: The story for which the message was posted, if that story has since been merged into this one; otherwise None.
    posted_for: StoryId | None = None
    #: The article whose headline the message shows. None means the story's headline article.
    headline: ArticleId | None = None
