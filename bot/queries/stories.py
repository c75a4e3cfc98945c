"""Questions about stories: list them, show one, split and merge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

import pydantic

from bot import model, storage
from bot.feeds import links
from bot.model.actions import Action, Claim, Merge, Release, Split
from bot.pipeline import actions
from bot.queries.registry import (
    Archive,
    Document,
    Id,
    Name,
    Omittable,
    PagedParameters,
    Parameters,
    Refused,
    Time,
    When,
    Why,
    cursor,
    fields_of,
    invalid_cursor,
    parse_time,
)
from bot.stories import summaries

#: Maximum articles of each story on a page, and of a single story.
MOST_OF_A_STORY, MOST_OF_ONE_STORY = 20, 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EvidenceDocument(Document):
    """One place in an article where a rule matched; offsets count characters of the field."""

    rule: str
    label: str
    term: str
    field: str
    text: str
    start: int
    end: int


def evidence(matches: Sequence[model.Match]) -> list[EvidenceDocument]:
    """List every place where a rule matched."""
    return [
        EvidenceDocument(rule=match.rule, **fields_of(place, EvidenceDocument))
        for match in matches
        for place in match.evidence
    ]


class JoinDocument(Document):
    """Why an article is in its story."""

    reason: str
    detail: str


class ArticleHead(Document):
    """The fields that identify an article."""

    id: str
    title: str
    link: str
    outlet: str
    published: Time | None
    first_seen: Time


class StoryArticle(ArticleHead):
    """An article of a story."""

    joined: JoinDocument
    matches: list[EvidenceDocument]


class DecisionDocument(Document):
    """A decision about one channel; ``silence`` is the id of the silence that kept the story back, if any."""

    at: Time
    channel: str
    action: str
    reason: str
    detail: str
    silence: str | None


class MessageDocument(Document):
    """One message of a story; ``receipt`` is its id in the channel and ``link`` its address, if it has one."""

    channel: str
    kind: str
    state: str
    sent_at: Time | None
    receipt: str | None
    link: str | None


class CoverageDocument(Document):
    """One headline of a story, as its messages list it.

    ``article`` is the first article with this headline, ``more`` the number of other outlets with nearly the same
    headline. If ``is_probable``, the article joined the story with less than full certainty.
    """

    outlet: str
    title: str
    link: str
    at: Time
    article: str
    more: int
    is_probable: bool


class StoryDocument(Document):
    """One story: all coverage of one event.

    ``byline`` names the outlets with the story's own headline, ``coverage`` the other headlines, newest first;
    ``copies`` counts the articles that it omits as copies.
    """

    id: str
    title: str
    first_seen: Time
    last_seen: Time
    rules: list[str]
    byline: CoverageDocument | None
    coverage: list[CoverageDocument]
    copies: int
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
                "byline": coverage.byline if coverage else None,
                "coverage": coverage.lines if coverage else (),
                "copies": coverage.copy_count if coverage else 0,
                "article_count": len(story.members),
                "articles": [
                    {
                        **fields_of(member.article, ArticleHead),
                        "joined": member.join,
                        "matches": evidence(member.matches),
                    }
                    for member in story.members[:most]
                ],
                "decisions": value.decisions if most is None else value.decisions[-most:],
                "messages": [
                    {
                        "channel": row.channel,
                        "kind": row.message.kind,
                        "state": row.state,
                        "sent_at": row.receipt.sent_at if row.receipt else None,
                        "receipt": row.receipt.ref if row.receipt else None,
                        "link": (row.receipt.link or None) if row.receipt else None,
                    }
                    for row in value.messages
                ],
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRow:
    """One story with its decisions and messages."""

    story: model.Story
    decisions: tuple[model.Decision, ...]
    messages: tuple[model.Outgoing, ...]
    #: The number of first articles and last decisions in its document; None means all.
    most: int | None = None


def read_story(tx: storage.Transaction, story: model.Story, *, most: int | None = None) -> StoryRow:
    """Read the decisions and messages of a story, including the gathered messages that list it."""
    own = tuple(tx.outbox.of_story(story.id))
    heads = [alert.head for alert in tx.stories.alerts([story.id]) if alert.head and alert.is_gathered]
    own_ids = {row.id for row in own}
    gathered = tuple(row for row in tx.outbox.get(heads).values() if row.id not in own_ids)
    return StoryRow(story=story, decisions=tuple(tx.stories.decisions(story.id)), messages=(*gathered, *own), most=most)


def describe_decision(decided: model.Decision) -> str:
    """Describe a decision about one channel in one line."""
    detail = f" ({decided.detail})" if decided.detail else ""
    return f"{decided.channel}: {decided.action.value}, {decided.reason.value}{detail}"


# -- list and show


class StoriesParameters(PagedParameters):
    """A selection of stories."""

    since: Annotated[
        Omittable[When], pydantic.Field(description="Only what changed since this day or for this long.")
    ] = None
    rule: Annotated[Omittable[Name], pydantic.Field(description="Only with an article that this rule matched.")] = None
    after: cursor("[0-9]{1,16}-[^\\x00]{1,80}") = None  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stories:
    """A page of stories, most recently changed first."""

    rows: tuple[StoryRow, ...]
    after: str | None


class StoriesPage(Document):
    """Stories, most recently changed first; ``after`` starts the next page and is null on the last page."""

    stories: list[StoryDocument]
    after: str | None

    @classmethod
    def of(cls, value: Stories) -> Self:
        return cls(stories=[StoryDocument.of(row) for row in value.rows], after=value.after)


def list_stories(archive: Archive, parameters: StoriesParameters) -> Stories:
    """List stories, the last to change first: articles, matched words, decisions, messages."""
    # One extra story shows whether there is another page.
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
    return Stories(
        rows=tuple(read_story(archive.tx, story, most=MOST_OF_A_STORY) for story in shown),
        after=f"{last_seen}-{shown[-1].id}" if len(newest) > len(shown) else None,
    )


def _parse_cursor(cursor: str) -> tuple[datetime, model.StoryId]:
    """Return the last_seen and the id of the story at which the page before ended."""
    number, dash, story = cursor.partition("-")
    if not dash or not (number.isascii() and number.isdigit() and len(number) < 17):
        raise invalid_cursor()
    return _EPOCH + timedelta(microseconds=int(number)), model.StoryId(story)


class StoryParameters(Parameters):
    """The story to show."""

    id: Annotated[Id, pydantic.Field(description="The story's id, or its beginning.")]


def show_story(archive: Archive, parameters: StoryParameters) -> StoryRow:
    """Show one story with its articles, up to 1,000; for a merged story, the story that it became."""
    return read_story(archive.tx, find_story(archive.tx, parameters.id), most=MOST_OF_ONE_STORY)


def find_story(tx: storage.Transaction, written: str) -> model.Story:
    """Return the story with this id, or with the only id that begins so; for a merged story, the story that it became.

    Raises Refused.
    """
    story = tx.stories.resolve(model.StoryId(written))
    if story is not None:
        return story
    ids = tx.stories.beginning(written, most=2)
    if len(ids) > 1:
        raise Refused(Why.UNUSABLE, f"several stories have an id that begins with {written}; write more of it")
    story = tx.stories.resolve(ids[0]) if ids else None
    if story is None:
        raise Refused(Why.NOT_FOUND, f"no story {written}; `wirewatch stories` shows the id of each")
    return story


# -- split and merge


class SplitParameters(StoryParameters):
    """The articles that are about another event: their ids or links."""

    articles: Annotated[
        list[Annotated[str, pydantic.Field(min_length=1, max_length=1_000)]],
        pydantic.Field(min_length=1, max_length=100),
    ]


class MergeParameters(StoryParameters):
    """The id of the other story that is about the same event."""

    other: Name


class ClaimParameters(StoryParameters):
    """The story that the author takes care of, or no longer takes care of."""

    release: bool = False


class ActionDocument(Document):
    """The result of an action, in words."""

    text: str


class RulingDocument(Document):
    """A ruling made by people; the bot carries it out within seconds."""

    id: str
    kind: str
    story: str
    told: str

    @classmethod
    def of(cls, value: model.Ruling) -> Self:
        return cls(id=value.id, kind=value.kind, story=value.story, told=describe_ruling(value))


def split_story(archive: Archive, parameters: SplitParameters) -> model.Ruling:
    """Take articles out of a story: they are about another event."""
    story = find_story(archive.tx, parameters.id)
    article_ids = {member.article.link: member.article.id for member in story.members if member.article.link}
    article_ids |= {member.article.id: member.article.id for member in story.members}
    chosen: list[model.ArticleId] = []
    for address in parameters.articles:
        article = article_ids.get(address) or article_ids.get(links.canonical_link(address))
        if article is None:
            raise Refused(
                Why.UNUSABLE, f"the story {story.id} has no article {address}; `wirewatch stories` lists them"
            )
        chosen.append(article)
    if all(member.article.id in chosen or member.join.copy_of in chosen for member in story.members):
        everything = f"these are all articles of the story {story.id}: there is nothing to take them out of"
        raise Refused(Why.UNUSABLE, everything)
    return _rule(archive, story, Split(articles=tuple(chosen)))


def merge_stories(archive: Archive, parameters: MergeParameters) -> model.Ruling:
    """Make two stories one: they are about the same event."""
    story, other = find_story(archive.tx, parameters.id), find_story(archive.tx, parameters.other)
    if story.id == other.id:
        raise Refused(Why.UNUSABLE, f"{parameters.id} and {parameters.other} are one story already")
    return _rule(archive, story, Merge(other=other.id))


def claim_story(archive: Archive, parameters: ClaimParameters) -> model.ActionResult:
    """Show in a story's messages that somebody takes care of it."""
    story = find_story(archive.tx, parameters.id)
    return _apply(archive, story, Release() if parameters.release else Claim())


def _rule(archive: Archive, story: model.Story, action: Split | Merge) -> model.Ruling:
    ruling = _apply(archive, story, action).created
    assert isinstance(ruling, model.Ruling)
    return ruling


def _apply(archive: Archive, story: model.Story, action: Action) -> model.ActionResult:
    context = archive.action_context()
    return actions.apply_action(context, action, actions.story_target(context, story.id))


def describe_ruling(ruling: model.Ruling) -> str:
    """Describe in a clause what the ruling decides."""
    if ruling.kind is model.RulingKind.MERGE:
        return f"the stories {ruling.story} and {ruling.other} become one"
    count = len(ruling.articles)
    become = "becomes" if count == 1 else "become"
    return f"{model.format_count(count, 'article')} of the story {ruling.story} {become} a separate story"
