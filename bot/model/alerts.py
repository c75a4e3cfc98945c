"""An alert (one story in one channel), and the decisions about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.actions import SilenceId
from bot.model.stories import ArticleId, Edit, Fact, SendId, StoryId


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
    #: A first report of what may be part of a posted story.
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
    #: A language model's summary has arrived.
    SUMMARY = "summary"
    #: A silence holds it back, or somebody made one under the message.
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
    """A decision about one story in one channel, with its reason."""

    at: datetime
    story: StoryId
    channel: str
    action: AlertAction
    reason: Reason
    #: Names of the rules that it applies to.
    rules: tuple[str, ...] = ()
    #: The article that caused it; None if a time was reached.
    article: ArticleId | None = None
    #: For people: “quiet hours until 07:00 Asia/Karachi”.
    detail: str = ""
    #: For a hold: when to decide again; None: when another article joins, or, for a reminder, no deadline is ahead.
    until: datetime | None = None
    #: For a reply: the new facts and the edited articles.
    facts: tuple[Fact, ...] = ()
    edits: tuple[Edit, ...] = ()
    #: The silence that held it back, if one did.
    silence: SilenceId | None = None


class AlertState(StrEnum):
    """The state of a story in a channel."""

    HELD = "held"
    POSTED = "posted"
    #: Decided not to post (baseline beyond five, silenced); listed, not sent.
    SILENT = "silent"
    #: Its story merged into an older one.
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One story in one channel: its thread and what was posted there."""

    story: StoryId
    channel: str
    state: AlertState
    #: Rules that the message names, or will name.
    rules: tuple[str, ...]
    reason: Reason
    #: For a held alert: when to decide again. For a posted one: when to remind. None: at the next article.
    held_until: datetime | None = None
    #: The outbox row of the message at the head of the thread.
    head: SendId | None = None
    #: Its message gathers several stories: no edits for one of them.
    is_gathered: bool = False
    posted_at: datetime | None = None
    #: Keys of the facts that were posted, as “label: after”, so that none is posted twice.
    said: tuple[str, ...] = ()
    #: The newest posted fact; shown in the message, so that the message does not announce an outdated value.
    latest: Fact | None = None
    #: A reply has reported corroboration.
    is_corroborated: bool = False
    #: The merged story that the message was posted for; None: this story.
    posted_for: StoryId | None = None
    #: The article whose headline the message shows; None: the story's headline article.
    headline: ArticleId | None = None
