"""A story: all coverage of one event, and what is new in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bot.model.articles import Article
from bot.model.ids import ArticleId, StoryId
from bot.model.rules import Match


class JoinReason(StrEnum):
    """Why an article is in its story."""

    OPENED = "opened"
    SAME_LINK = "same link"
    COPY = "near-duplicate text"
    SIMILAR = "same event"
    #: It denies, withdraws or reverses what the story reports, so it corroborates nothing.
    REVERSAL = "denies or reverses the report"
    MERGED = "two stories were one"
    #: A story of its own beside the nearest one: shown, never silent.
    UNSURE = "perhaps the same event"
    ROUNDUP = "round-up of several events"
    SPLIT = "people took it out of another story"
    #: A language model says so: no rule's match is left, and no channel is told.
    NOT_ABOUT = "not what its rule is about"


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """One article's place in a story."""

    story: StoryId
    article: ArticleId
    reason: JoinReason
    #: For people: "shares BlackBerry, Pakistan, PTA; 97 % sure".
    detail: str = ""
    #: A syndicated copy of this article counts for no outlet of its own.
    copy_of: ArticleId | None = None
    #: This join shows that these younger stories are the same one.
    merges: tuple[StoryId, ...] = ()
    #: Of an unsure article: the story that may be the same event. Of one that joined by a language model's answer:
    #: a further story that the answer names, and that was not merged.
    near: StoryId | None = None
    #: Probability, 0 to 1, that the article tells the event of the story that it joined; where it opened
    #: one, of the nearest story (0 where none is near). None: joined before it was kept.
    confidence: float | None = None
    #: The nearest other open stories of its rules, nearest first; known while it is decided on, not stored.
    beside: tuple[StoryId, ...] = field(default=(), compare=False)
    #: A language model's answer decided the join and its merges; known while it is decided on, not stored.
    is_advised: bool = field(default=False, compare=False)


#: The mark of what corrects an earlier report.
CORRECTION = "Correction"
#: The kind of a fact that only says that an article joined the story.
JOINED = "joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something an article says that its story did not say before."""

    #: date, number, name, decision, sentence or joined.
    kind: str
    #: What it is about: “deadline”.
    label: str
    #: What was said before; None: nothing.
    before: str | None
    after: str
    #: The whole sentence that says it.
    sentence: str
    #: How it stands to what was reported, as people are shown it: “Denial”, “Released”, “Correction”; mostly empty.
    mark: str = ""
    article: ArticleId
    outlet: str
    #: Of the article that says it; empty in what was stored before links were kept.
    link: str = ""
    #: When that article was published.
    said_at: datetime | None = None

    @property
    def heading(self) -> str:
        """Shown before it: what it is about; nothing where a decision's own words say so."""
        return "" if self.kind == "decision" else self.label

    @property
    def is_sentence(self) -> bool:
        """The sentence itself is what is new; nothing in it has its own name."""
        return self.kind in ("sentence", JOINED)

    @property
    def is_joined(self) -> bool:
        """Nothing is new but that the article joined the story."""
        return self.kind == JOINED

    @property
    def is_claim(self) -> bool:
        """A value in the place of another, or a correction."""
        return self.before is not None or self.mark == CORRECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A dated deadline that a story holds, as its newest article has it."""

    day: date
    #: Says it, with its source.
    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A material change of an article that was already posted."""

    article: ArticleId
    outlet: str
    #: title or text.
    field: str
    before: str
    after: str
    #: Of the article; empty in what was stored before links were kept.
    link: str = ""


#: Articles that joined with a lower probability are shown as "probably the same event".
SURE_FROM = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An article inside a story, with what it matched."""

    article: Article
    join: Join
    matches: tuple[Match, ...]
    #: Came with a feed's first answer: not news by itself.
    is_baseline: bool = False

    @property
    def is_probable(self) -> bool:
        """The article joined by its wording alone, and not with full certainty."""
        confidence = self.join.confidence
        return self.join.reason is JoinReason.SIMILAR and confidence is not None and confidence < SURE_FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All coverage of one event."""

    id: StoryId
    title: str
    first_seen: datetime
    last_seen: datetime
    #: In order of arrival.
    members: tuple[Member, ...]
    #: The older story that this one turned out to be; None: it stands for itself.
    merged_into: StoryId | None = None
    #: The article whose headline the story shows; None: the first member. Only a split changes it.
    headline: ArticleId | None = None

    @property
    def nearest(self) -> StoryId | None:
        """The story that this one may be part of; None: it is surely separate."""
        opener = self.members[0].join if self.members else None
        return opener.near if opener and opener.reason is JoinReason.UNSURE else None

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of all rules that matched, in order of first match."""
        return tuple(dict.fromkeys(match.rule for member in self.members for match in member.matches))

    @property
    def owners(self) -> tuple[str, ...]:
        """Independent owners that report it, in order of arrival: sister titles count once, copies and denials not."""
        joined = ((member.article.owner, member.join) for member in self.members)
        return tuple(
            dict.fromkeys(
                owner for owner, join in joined if join.copy_of is None and join.reason is not JoinReason.REVERSAL
            )
        )
