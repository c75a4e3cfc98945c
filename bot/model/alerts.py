"""An alert: one story in one channel, and each decision to post or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.ids import ArticleId, SendId, StoryId
from bot.model.silences import SilenceId
from bot.model.stories import Edit, Fact


class Action(StrEnum):
    """What a decision does."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"
    HOLD = "hold"
    SILENT = "silent"


class Reason(StrEnum):
    """Why something is said, held or left unsaid."""

    FIRST_REPORT = "first report"
    #: A first report of what may be part of a story that was told.
    UNSURE = "perhaps part of another story"
    CORROBORATION = "corroboration"
    NEW_FACT = "new fact"
    CORRECTION = "correction"
    SECOND_RULE = "rule"
    REMINDER = "reminder"
    ADDED_OUTLET = "added outlet"
    #: Another article of an outlet that is in the story already.
    ADDED_ARTICLE = "added article"
    MERGED = "merged"
    #: People took articles out of the story.
    SPLIT = "split"
    DIGEST = "digest"
    BASELINE = "baseline"
    MIN_OUTLETS = "min outlets"
    QUIET_HOURS = "quiet hours"
    COOLDOWN = "cooldown"
    RATE_CAP = "rate cap"
    #: The first post waits to name several outlets.
    GATHER = "gather"
    COPY = "copy"
    #: In decisions of earlier versions only.
    NO_NEWS = "no news"
    RULE_PAUSED = "rule paused"
    JUDGED = "judged"
    #: A language model's summary has come.
    SUMMARY = "summary"
    #: A silence keeps it back, or somebody made one under the message.
    SILENCED = "silenced"
    SILENCE_ENDED = "silence ended"
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    #: Nobody claimed it in time.
    ESCALATED = "escalated"

    @classmethod
    def _missing_(cls, value: object) -> Reason | None:
        """Translate the reasons that versions before the silence of a story stored."""
        match value:
            case "muted" | "snoozed":
                return cls.SILENCED
            case "unmuted" | "woken":
                return cls.SILENCE_ENDED
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided for one story in one channel, and why."""

    at: datetime
    story: StoryId
    channel: str
    action: Action
    reason: Reason
    #: Names of the rules it speaks for.
    rules: tuple[str, ...] = ()
    #: The article that caused it; None: time did.
    article: ArticleId | None = None
    #: For people: “quiet hours until 07:00 Asia/Karachi”.
    detail: str = ""
    #: Of a hold: when to decide again; None: when another article joins (of a reminder: no deadline lies ahead).
    until: datetime | None = None
    #: Of a reply: what is new.
    facts: tuple[Fact, ...] = ()
    edits: tuple[Edit, ...] = ()
    #: What kept it back; None: no silence did.
    silence: SilenceId | None = None


class AlertState(StrEnum):
    """What became of a story in a channel."""

    HELD = "held"
    POSTED = "posted"
    #: Decided not to post (baseline beyond five, silenced); listed, not sent.
    SILENT = "silent"
    #: Its story merged into an older one.
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One story in one channel: the thread and what it has said."""

    story: StoryId
    channel: str
    state: AlertState
    #: Rules named in the message (or waiting to be).
    rules: tuple[str, ...]
    reason: Reason
    #: Of a held alert: when to decide again; of a posted one: when it is to remind; None: at the next article.
    held_until: datetime | None = None
    #: The outbox row of the message at the head of the thread.
    head: SendId | None = None
    #: Its message gathers several stories: no edits for one of them.
    is_gathered: bool = False
    posted_at: datetime | None = None
    spoke_at: datetime | None = None
    #: Facts already said, as “label: after”, so that none is said twice.
    said: tuple[str, ...] = ()
    #: The newest fact that was posted; shown in the message, so that it does not announce what no longer holds.
    latest: Fact | None = None
    #: Corroboration was told.
    is_corroborated: bool = False
    #: The story that the message was posted for, where that one was merged into this one; None: this story.
    posted_for: StoryId | None = None
    #: The article whose headline the message shows; None: that of the story.
    headline: ArticleId | None = None
