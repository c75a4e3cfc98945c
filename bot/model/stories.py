"""Articles, the stories that group all coverage of one event, and the facts that are new in a story.

Ids are derived from the identity of an object, so that writing an object twice gives one row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from bot.model.rules import Match, Rule

#: 20 hex digits of SHA-256 over the article's identity: the same article has the same id on every machine.
ArticleId = NewType("ArticleId", str)
#: Derived from the article that opened the story.
StoryId = NewType("StoryId", str)
#: Derived from (story, channel, kind, cause): writing a message twice gives one row.
SendId = NewType("SendId", str)
#: Derived from the channel's id of the button press, and the judged rule.
JudgementId = NewType("JudgementId", str)


def send_id(*parts: str) -> SendId:
    """Return the id of a message to send, derived from everything that distinguishes it."""
    return SendId(hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24])


class Origin(msgspec.Struct, frozen=True):
    """Another outlet whose report an article repeats, as the article itself says."""

    #: The outlet's or agency's name.
    name: str
    owner: str
    #: The sentence, headline or byline that says so.
    sentence: str
    #: Whether that is the headline, the byline, the dateline or one of the first two sentences.
    is_lead: bool


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """One article, stored once however many feeds carry it."""

    id: ArticleId
    #: The feed in which the article was first seen.
    feed: str
    outlet: str
    owner: str
    #: Canonical link; empty if the feed has none.
    link: str
    title: str
    #: Clean text; paragraphs are separated by blank lines.
    text: str
    author: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    first_seen: datetime
    #: Outgoing links of the body, canonical.
    links: tuple[str, ...] = ()
    #: The https address of the article's picture on a public host, or empty.
    picture: str = ""
    #: SHA-256 over folded title and text.
    fingerprint: str
    #: Starts at 1; each material edit adds 1.
    version: int = 1
    #: Sentences that were removed from the text because the feed repeats them in its items.
    left_out: tuple[str, ...] = ()
    #: Whether the text comes from the article's page instead of the feed.
    is_full_text: bool = False
    #: Whether the feed is a primary source (``primary: true``), such as a regulator.
    is_official: bool = False
    #: The outlets that the article names as its sources. Only found in articles that match a rule.
    origins: tuple[Origin, ...] = ()

    @property
    def when(self) -> datetime:
        """The time by which articles are ordered: the published date, but never later than first seen."""
        return min(self.published, self.first_seen) if self.published else self.first_seen

    @property
    def echoes(self) -> Origin | None:
        """The outlet whose report the article repeats, or None if its beginning names none, or several."""
        leading = [origin for origin in self.origins if origin.is_lead]
        return leading[0] if len(leading) == 1 and not self.is_official else None

    @property
    def voice(self) -> str:
        """The owner whose word the article is: the owner of the report that it repeats, or its own."""
        return self.echoes.owner if self.echoes else self.owner


class JoinReason(StrEnum):
    """Why an article is in its story."""

    OPENED = "opened"
    SAME_LINK = "same link"
    COPY = "near-duplicate text"
    SIMILAR = "same event"
    #: The article denies, withdraws or reverses the story's report, so it does not corroborate the story.
    REVERSAL = "denies or reverses the report"
    MERGED = "two stories were one"
    #: The article opened a separate story, which may be the same event as the nearest story. Always shown.
    UNSURE = "perhaps the same event"
    ROUNDUP = "round-up of several events"
    SPLIT = "people took it out of another story"
    #: A language model rejected all matches of the article, so nothing is posted.
    NOT_ABOUT = "not what its rule is about"


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """The membership of one article in a story."""

    story: StoryId
    article: ArticleId
    reason: JoinReason
    #: A detail for people, such as "shares BlackBerry, Pakistan, PTA; 97 % sure".
    detail: str = ""
    #: The article that this one is a syndicated copy of; a copy does not count as another outlet.
    copy_of: ArticleId | None = None
    #: Younger stories that are the same story, as this join shows.
    merges: tuple[StoryId, ...] = ()
    #: For an unsure article: the story that may be the same event.
    near: StoryId | None = None
    #: Probability (0 to 1) that the article reports the event of the story that it joined. If it opened a story: that
    #: it reports the event of the nearest story (0 if there is none). None in rows of early versions.
    probability: float | None = None
    #: In a thread (``group: rule``): the event that the article reports, if it is not the thread's first event. Its id
    #: is the id of the story that its first article would have opened.
    event: StoryId | None = None

    @property
    def is_probable(self) -> bool:
        """Whether the article joined by its wording alone and without full certainty."""
        return self.reason is JoinReason.SIMILAR and self.probability is not None and self.probability < SURE_FROM


#: The mark of a fact that corrects an earlier report.
CORRECTION = "Correction"
#: The kind of a fact that reports only that an article joined the story.
JOINED = "joined"
#: The kind of a fact that is the first report of another event in a thread (``group: rule``).
EVENT = "event"
#: The kind of a fact that is a material change of an article that was already posted.
EDITED = "edit"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something in an article that is new in its story."""

    #: date, number, sentence, joined, event or edit.
    kind: str
    #: The subject, such as “deadline”; for an edit, “headline” or “text”.
    label: str
    #: The value that the fact replaces, or None if it replaces nothing; for an edit, the old headline or sentence.
    before: str | None
    #: The new value; for an event, the headline of its first report; for an edit, the new headline or sentence.
    after: str
    #: The whole sentence that states the fact; for an event, the first sentence of its first report.
    sentence: str
    #: A label shown to people: “Denial”, “Released”, “Correction”; mostly empty.
    mark: str = ""
    article: ArticleId
    outlet: str
    #: The article's link; empty in rows of early versions.
    link: str = ""
    #: When the article was published.
    stated_at: datetime | None = None

    @property
    def is_sentence(self) -> bool:
        """Whether the whole sentence is new, instead of a value in it."""
        return self.kind in ("sentence", JOINED)

    @property
    def is_joined(self) -> bool:
        """Whether the fact reports only that the article joined the story."""
        return self.kind == JOINED

    @property
    def is_event(self) -> bool:
        """Whether the fact is the first report of another event in a thread."""
        return self.kind == EVENT

    @property
    def is_edit(self) -> bool:
        """Whether an outlet changed the headline or a sentence of its article."""
        return self.kind == EDITED

    @property
    def quote(self) -> str:
        """The text that represents the fact where there is room for one: its sentence, or the headline of an event."""
        return self.after if self.is_event else self.sentence

    @property
    def is_change(self) -> bool:
        """Whether the fact replaces a value or corrects a report."""
        return self.before is not None or self.mark == CORRECTION


#: Articles that joined with a lower probability are shown as "probably the same event".
SURE_FROM = 0.9


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An article in a story, with its matches."""

    article: Article
    join: Join
    matches: tuple[Match, ...]
    #: Whether the article comes from a feed's first poll, so that it is not news.
    is_baseline: bool = False

    @property
    def is_probable(self) -> bool:
        """Whether the article joined by its wording alone and without full certainty."""
        return self.join.is_probable

    @property
    def event(self) -> StoryId:
        """The event that the article reports. The first event of a story has the story's id."""
        return self.join.event or self.join.story


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """All coverage of one event, or a thread: all that a rule with ``group: rule`` matched while coverage lasted."""

    id: StoryId
    title: str
    first_seen: datetime
    last_seen: datetime
    #: The articles in order of arrival.
    members: tuple[Member, ...]
    #: The older story that this one was merged into.
    merged_into: StoryId | None = None
    #: The article whose headline the story shows. None means the first member. Only a split changes this.
    headline: ArticleId | None = None
    #: The rule of a thread, or None for the story of one event.
    thread: str | None = None

    @property
    def related(self) -> StoryId | None:
        """The story that is related to this one, or None."""
        opener = self.members[0].join if self.members else None
        return opener.near if opener else None

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of all rules that matched an article of the story, in order of first match."""
        return tuple(dict.fromkeys(match.rule for member in self.members for match in member.matches))

    @property
    def events(self) -> Mapping[StoryId, tuple[Member, ...]]:
        """The events of the story with their articles, in order of arrival. Only a thread has more than one."""
        events: dict[StoryId, list[Member]] = {}
        for member in self.members:
            events.setdefault(member.event, []).append(member)
        return {event: tuple(members) for event, members in events.items()}

    @property
    def owners(self) -> tuple[str, ...]:
        """Independent owners that report the story, in order of arrival; for a thread, those of its widest event."""
        return max(map(find_owners, self.events.values()), key=len, default=())

    def events_for(self, rules: Collection[Rule]) -> Sequence[tuple[Member, ...]]:
        """Return the events that one of the rules matches, with enough owners for it. The first has the headline.

        If there are none, return all events.
        """
        events = list(self.events.values())
        if len(events) < 2:
            return events
        needed = {rule.name: rule.min_outlets for rule in rules}
        ready = [
            members
            for members in events
            if any(
                len(find_owners(members)) >= needed[match.rule]
                for member in members
                for match in member.matches
                if match.rule in needed
            )
        ]
        return ready or events


def find_owners(members: Iterable[Member]) -> tuple[str, ...]:
    """Return the independent owners of articles, in order of arrival. Copies and denials do not count.

    Outlets that only repeat the report of one other outlet count as that outlet, together with it.
    """
    joined = ((member.article.voice, member.join) for member in members)
    return tuple(
        dict.fromkeys(
            owner for owner, join in joined if join.copy_of is None and join.reason is not JoinReason.REVERSAL
        )
    )
