"""Queries about stories: list stories, and show a story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

import msgspec
import pydantic

from bot import storage
from bot.model.alerts import AlertAction, Decision
from bot.model.messages import Outgoing
from bot.model.rules import Match
from bot.model.stories import Fact, Join, Origin, Story, StoryId
from bot.queries.registry import (
    Archive,
    Document,
    Id,
    Name,
    Omittable,
    PagedParameters,
    Parameters,
    Query,
    RefusalKind,
    Refused,
    Time,
    When,
    cursor,
    fields_of,
    invalid_cursor,
    parse_time,
)
from bot.stories import summaries

#: Maximum articles, and maximum decisions, of each story in a list of stories.
MOST_OF_A_STORY = 20
#: Maximum articles, and maximum decisions, of a story that is shown alone.
MOST_OF_ONE_STORY = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EvidenceDocument(Document):
    """One position in an article where a rule matched. ``start`` and ``end`` count characters of the field."""

    rule: str
    label: str
    term: str
    field: str
    text: str
    start: int
    end: int


def evidence(matches: Sequence[Match]) -> list[EvidenceDocument]:
    """Return every position where a rule matched."""
    return [
        EvidenceDocument(rule=match.rule, **fields_of(place, EvidenceDocument))
        for match in matches
        for place in match.evidence
    ]


class JoinDocument(Document):
    """Why an article is in its story. ``event`` is the event of a thread that it reports, or null for the first."""

    reason: str
    detail: str
    event: str | None


class OriginDocument(Document):
    """Another outlet whose report an article repeats, and the sentence that says so.

    ``is_lead`` is true if that is the headline, the byline, the dateline or one of the first two sentences.
    """

    name: str
    sentence: str
    is_lead: bool


class ArticleHead(Document):
    """The fields that identify an article."""

    id: str
    title: str
    link: str
    outlet: str
    published: Time | None
    first_seen: Time


class StoryArticle(ArticleHead):
    """An article of a story. ``is_official`` is true if a primary source published it."""

    is_official: bool
    origins: list[OriginDocument]
    joined: JoinDocument
    matches: list[EvidenceDocument]


class DecisionDocument(Document):
    """A decision about one channel. ``silence`` is the id of the silence that held the story back, or null."""

    at: Time
    channel: str
    action: str
    reason: str
    detail: str
    silence: str | None


class MessageDocument(Document):
    """One message of a story. ``receipt`` is the message's id in the channel; ``link`` is its web address, or null."""

    channel: str
    kind: str
    state: str
    sent_at: Time | None
    receipt: str | None
    link: str | None
    error: str | None

    @classmethod
    def of(cls, row: Outgoing) -> Self:
        receipt = row.receipt
        return cls(
            channel=row.channel,
            kind=row.message.kind,
            state=row.state,
            sent_at=receipt.sent_at if receipt and not receipt.is_left_out else None,
            receipt=receipt.ref if receipt else None,
            link=(receipt.link or None) if receipt else None,
            error=row.error,
        )


class CoverageDocument(Document):
    """One headline in a story's coverage, as the story's messages list it.

    ``article`` is the first article with this headline. ``more`` is the number of other outlets with nearly the same
    headline. If ``is_probable`` is true, it is not certain that the article belongs to the story. ``form`` is what the
    article is if it is not a report, such as "opinion"; it is empty also if the headline says it.
    ``is_official`` is true if a primary source published it.
    """

    outlet: str
    title: str
    link: str
    at: Time
    article: str
    more: int
    is_probable: bool
    form: str
    is_official: bool


class FactDocument(Document):
    """Something that an article of the story reported as new. ``before`` is the value that it replaces, or null."""

    label: str
    before: str | None
    after: str
    mark: str
    sentence: str
    outlet: str
    link: str
    stated_at: Time | None


class StoryDocument(Document):
    """One story: all coverage of one event, or a thread: all that a rule with group: rule matched.

    ``thread`` is the rule of a thread, or null. ``other_reports`` are the headlines of the thread's other events,
    newest event first; ``byline`` and ``coverage`` are about the event with the headline.
    ``latest`` is the newest fact, and ``facts`` lists all facts, newest first.
    ``byline`` is the story's own headline with its outlets. ``coverage`` lists the other headlines, newest first.
    ``copies`` is the number of articles that ``coverage`` omits because they are copies.
    """

    id: str
    title: str
    first_seen: Time
    last_seen: Time
    rules: list[str]
    latest: FactDocument | None
    facts: list[FactDocument]
    byline: CoverageDocument | None
    coverage: list[CoverageDocument]
    copies: int
    thread: str | None
    other_reports: list[CoverageDocument]
    article_count: int
    articles: list[StoryArticle]
    decisions: list[DecisionDocument]
    messages: list[MessageDocument]

    @classmethod
    def of(cls, value: StoryRow) -> Self:
        story, most = value.story, value.most
        coverage = summaries.list_coverage(story, most=most) if story.members else None
        return cls.model_validate(
            {
                **fields_of(story, StoryDocument),
                "title": summaries.story_headline(story),
                "latest": next(iter(value.facts), None),
                "facts": value.facts[:most],
                "byline": coverage.byline if coverage else None,
                "coverage": coverage.lines if coverage else (),
                "copies": coverage.copy_count if coverage else 0,
                "other_reports": coverage.other_reports if coverage else (),
                "article_count": len(story.members),
                "articles": [
                    {
                        **fields_of(member.article, ArticleHead),
                        "is_official": member.article.is_official,
                        "origins": member.article.origins,
                        "joined": member.join,
                        "matches": evidence(member.matches),
                    }
                    for member in story.members[:most]
                ],
                "decisions": value.decisions if most is None else value.decisions[-most:],
                "messages": [MessageDocument.of(row) for row in value.messages],
            }
        )


class StoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One story with its decisions and messages."""

    story: Story
    decisions: tuple[Decision, ...]
    messages: tuple[Outgoing, ...]
    #: The JSON document has at most this many articles, the first, and as many decisions, the last; None means all.
    most: int | None = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The new facts that the story's messages reported, newest first. Each is listed once, also for many channels.

        The last fact is listed first, even if its article was published before the articles of other facts.
        """
        return tuple(fact for fact in self._reported if not (fact.is_joined or fact.is_edit))

    @property
    def edits(self) -> tuple[Fact, ...]:
        """The corrections that outlets made in articles of the story, newest first."""
        return tuple(fact for fact in self._reported if fact.is_edit)

    @property
    def _reported(self) -> dict[Fact, None]:
        facts = (fact for decision in reversed(self.decisions) for fact in reversed(decision.facts))
        return dict.fromkeys(facts)

    @property
    def outdated_values(self) -> frozenset[str]:
        """The values that later facts have replaced."""
        current, outdated = set[str](), set[str]()
        for fact in self.facts:
            current.add(fact.after)
            if fact.before is not None and fact.before not in current:
                outdated.add(fact.before)
        return frozenset(outdated)


def read_story(tx: storage.Transaction, story: Story, *, most: int | None = None) -> StoryRow:
    """Read the decisions and messages of a story, including the listings that show it."""
    own = tuple(tx.outbox.of_story(story.id))
    heads = [alert.head for alert in tx.stories.alerts([story.id]) if alert.head and alert.is_gathered]
    own_ids = {row.id for row in own}
    gathered = tuple(row for row in tx.outbox.get(heads).values() if row.id not in own_ids)
    return StoryRow(story=story, decisions=tuple(tx.stories.decisions(story.id)), messages=(*gathered, *own), most=most)


def read_stories(
    tx: storage.Transaction, *, since: datetime, rule: str | None = None, skip: int = 0, most: int
) -> list[StoryRow]:
    """Read at most ``most`` stories with their decisions and messages, most recently changed first."""
    return [read_story(tx, story) for story in tx.stories.newest(since=since, rule=rule, skip=skip, most=most)]


def describe_decision(decision: Decision | DecisionDocument) -> str:
    """Describe a decision about one channel in one line."""
    # The detail of a silence begins with its reason.
    text = decision.detail.removeprefix(f"{decision.reason}: ")
    detail = f" ({text})" if text else ""
    return f"{decision.channel}: {decision.action}, {decision.reason}{detail}"


#: Decision -> its effect, in words for people.
DONE = {
    AlertAction.POST: "posted",
    AlertAction.EDIT: "edited",
    AlertAction.REPLY: "replied",
    AlertAction.HOLD: "held",
    AlertAction.SILENT: "not posted",
}


def describe_outcomes(entry: StoryRow) -> list[tuple[str, str]]:
    """Return what became of a story: each channel, with the state of its first message or else its last decision."""
    outcomes = {decision.channel: f"{DONE[decision.action]}, {decision.reason.value}" for decision in entry.decisions}
    for row in reversed(entry.messages):
        outcomes[row.channel] = row.state.value
    return list(outcomes.items())


def describe_message(message: MessageDocument) -> str:
    """Describe in one line what became of a message."""
    why = f": {message.error}" if message.error else ""
    outcome = f"sent {message.sent_at:%Y-%m-%d %H:%M} UTC" if message.sent_at else f"{message.state}{why}"
    return f"{message.kind} to {message.channel}, {outcome}"


def describe_join(join: Join | JoinDocument) -> str:
    """Describe in one line why an article is in its story, and which event of a thread it reports."""
    event = f"other event {join.event[:8]}: " if join.event else ""
    return f"{event}{join.reason}: {join.detail}" if join.detail else f"{event}{join.reason}"


def describe_sources(origins: Sequence[Origin | OriginDocument], *, is_official: bool) -> list[str]:
    """Describe whether an article is official, and whose reports it repeats, with the sentences that say so."""
    lines = [
        f"{'repeats' if origin.is_lead else 'also cites'} {origin.name}: “{origin.sentence}”" for origin in origins
    ]
    return ["official: from a primary source", *lines] if is_official else lines


# -- list and show


class StoriesParameters(PagedParameters):
    """A selection of stories."""

    since: Omittable[When] = pydantic.Field(
        default=None, description="Only stories that changed since this day or within this time."
    )
    rule: Omittable[Name] = pydantic.Field(default=None, description="Only stories that this rule matched.")
    after: cursor("[0-9]{1,16}-[^\\x00]{1,80}") = None  # type: ignore[valid-type]


class StoryList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of stories, most recently changed first."""

    rows: tuple[StoryRow, ...]
    after: str | None


class StoriesPage(Document):
    """Stories, most recently changed first; ``after`` starts the next page and is null on the last page."""

    stories: list[StoryDocument]
    after: str | None

    @classmethod
    def of(cls, value: StoryList) -> Self:
        return cls(stories=[StoryDocument.of(row) for row in value.rows], after=value.after)


def list_stories(archive: Archive, parameters: StoriesParameters) -> StoryList:
    """List stories, most recently changed first, with articles, matched words, decisions and messages."""
    # Read one more story than the page holds, to find out whether there is another page.
    newest = archive.tx.stories.newest(
        since=parse_time("since", parameters.since, archive.now) or _EPOCH,
        rule=parameters.rule,
        skip=0,
        most=parameters.limit + 1,
        after=_parse_cursor(parameters.after) if parameters.after else None,
    )
    if not newest:
        archive.refuse_unknown(parameters.rule)
    shown = newest[: parameters.limit]
    last_seen = (shown[-1].last_seen - _EPOCH) // timedelta(microseconds=1) if shown else 0
    return StoryList(
        rows=tuple(read_story(archive.tx, story, most=MOST_OF_A_STORY) for story in shown),
        after=f"{last_seen}-{shown[-1].id}" if len(newest) > len(shown) else None,
    )


STORIES = Query("stories", list_stories, StoriesPage, path="/stories", is_tool=True)


def _parse_cursor(cursor: str) -> tuple[datetime, StoryId]:
    """Return ``last_seen`` and the id of the last story on the previous page."""
    number, dash, story = cursor.partition("-")
    if not dash or not (number.isascii() and number.isdigit() and len(number) < 17):
        raise invalid_cursor()
    return _EPOCH + timedelta(microseconds=int(number)), StoryId(story)


class StoryParameters(Parameters):
    """The story to show."""

    id: Id = pydantic.Field(description="The story's id, or its beginning.")


def show_story(archive: Archive, parameters: StoryParameters) -> StoryRow:
    """Show one story with at most 1,000 articles. For a merged story, show the story that it became."""
    return read_story(archive.tx, find_story(archive.tx, parameters.id), most=MOST_OF_ONE_STORY)


STORY = Query("story", show_story, StoryDocument, path="/stories/{id}", is_tool=True)


def find_story(tx: storage.Transaction, written: str) -> Story:
    """Return the story with this id, or the only story whose id begins with ``written``.

    For a merged story, return the story that it became. Raises Refused.
    """
    story = tx.stories.resolve(StoryId(written))
    if story is not None:
        return story
    ids = tx.stories.beginning(written, most=2)
    if len(ids) > 1:
        raise Refused(
            RefusalKind.UNUSABLE, f"several stories have an id that begins with {written}; enter more characters"
        )
    story = tx.stories.resolve(ids[0]) if ids else None
    if story is None:
        raise Refused(RefusalKind.NOT_FOUND, f"no story {written}; `wirewatch stories` shows the id of each story")
    return story
