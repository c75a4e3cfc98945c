"""Queries that act: split and merge stories, and create and end silences."""

from __future__ import annotations

from typing import Annotated

import pydantic

from bot.durations import parse_duration
from bot.feeds import links
from bot.model.actions import (
    EndSilence,
    MakeSilence,
    Merge,
    Ruling,
    Silence,
    SilenceKind,
    Split,
)
from bot.model.stories import ArticleId, Story
from bot.pipeline import actions
from bot.pipeline.rights import operator_context
from bot.queries.registry import (
    DURATION,
    Archive,
    Document,
    Id,
    Name,
    Parameters,
    Query,
    RefusalKind,
    Refused,
    unknown_rule,
    unusable,
)
from bot.queries.silences import ListedSilence, SilenceDocument, with_stories
from bot.queries.stories import StoryParameters, find_story
from bot.rules import errors

# -- stories


class SplitParameters(StoryParameters):
    """The story to split, and its articles that are about another event: their ids, beginnings of ids, or links."""

    articles: list[Annotated[str, pydantic.Field(min_length=1, max_length=1_000)]] = pydantic.Field(
        min_length=1, max_length=100
    )


class MergeParameters(StoryParameters):
    """Two stories about the same event, by their ids."""

    other: Name


class RulingDocument(Document):
    """A person's ruling, with its effect in words (``effect``). The bot carries out the ruling within seconds."""

    id: str
    kind: str
    story: str
    effect: str


def split_story(archive: Archive, parameters: SplitParameters) -> RulingDocument:
    """Make some articles of a story a separate story, because they are about another event."""
    story = find_story(archive.tx, parameters.id)
    article_ids = {member.article.link: member.article.id for member in story.members if member.article.link}
    article_ids |= {member.article.id: member.article.id for member in story.members}
    chosen: list[ArticleId] = []
    for address in parameters.articles:
        article = article_ids.get(address) or article_ids.get(links.canonical_link(address))
        beginning = [id_ for id_ in article_ids.values() if len(address) >= 6 and id_.startswith(address)]
        if article is None and len(set(beginning)) == 1:
            article = beginning[0]
        if article is None:
            raise Refused(
                RefusalKind.UNUSABLE,
                f"the story {story.id} has no article {address}; `wirewatch stories` lists its articles",
            )
        chosen.append(article)
    return _rule(archive, story, Split(articles=tuple(chosen)))


SPLIT = Query(
    "split", split_story, RulingDocument, method="POST", path="/stories/{id}/split", status=202, is_action=True
)


def merge_stories(archive: Archive, parameters: MergeParameters) -> RulingDocument:
    """Make two stories one, because they are about the same event."""
    story, other = find_story(archive.tx, parameters.id), find_story(archive.tx, parameters.other)
    if story.id == other.id:
        raise Refused(RefusalKind.UNUSABLE, f"{parameters.id} and {parameters.other} are already one story")
    return _rule(archive, story, Merge(other=other.id))


MERGE = Query(
    "merge",
    merge_stories,
    RulingDocument,
    method="POST",
    path="/stories/{id}/merge",
    status=202,
    is_action=True,
)


def _rule(archive: Archive, story: Story, action: Split | Merge) -> RulingDocument:
    assert archive.turn is not None
    result = actions.apply_action(operator_context(archive.turn, by=archive.by, story=story), action)
    ruling = result.created
    assert isinstance(ruling, Ruling)
    return RulingDocument(id=ruling.id, kind=ruling.kind, story=ruling.story, effect=result.text)


# -- silences


class SilenceParameters(Parameters):
    """A silence to create: its subject, its channels, its duration and its reason."""

    kind: SilenceKind
    name: Name = pydantic.Field(description="The rule's or the outlet's name, or a part of it, or the story's id.")
    lasts: str | None = pydantic.Field(
        default=None,
        alias="for",
        min_length=1,
        max_length=40,
        examples=["2 hours", "3d"],
        json_schema_extra={"pattern": f"^{DURATION}$"},
        description="How long the silence lasts. Only a silence of a story may omit this.",
    )
    reason: str = pydantic.Field(min_length=1, max_length=300)
    channels: tuple[Name, ...] = pydantic.Field(
        default=(), max_length=100, description="The silenced channels. An empty list means all channels."
    )

    def action(self) -> MakeSilence:
        """Return the action. Raises Refused."""
        try:
            lasts = parse_duration(self.lasts) if self.lasts else None
        except (ValueError, OverflowError) as error:
            raise unusable("for", str(error)) from None
        return MakeSilence(kind=self.kind, name=self.name, lasts=lasts, reason=self.reason, channels=self.channels)


def make_silence(archive: Archive, parameters: SilenceParameters) -> ListedSilence:
    """Create a silence: until it ends, post nothing about a rule, an outlet or a story."""
    loaded = [entry.rule.name for entry in archive.settings.rules]
    if parameters.kind is SilenceKind.RULE and not errors.find_names(parameters.name, loaded):
        raise unknown_rule(parameters.name, archive.settings)
    return _apply(archive, parameters.action())


SILENCE = Query("silence", make_silence, SilenceDocument, method="POST", path="/silences", status=201, is_action=True)


class EndSilenceParameters(Parameters):
    """The silence to end."""

    id: Id = pydantic.Field(description="The silence's id.")


def end_silence(archive: Archive, parameters: EndSilenceParameters) -> ListedSilence:
    """End a silence before its time."""
    if parameters.id not in {stored.id for stored in archive.tx.silences.all()}:
        raise Refused(
            RefusalKind.NOT_FOUND,
            f"no silence {parameters.id}; `wirewatch silence list` and GET /silences list the silences",
        )
    return _apply(archive, EndSilence(id=parameters.id))


END_SILENCE = Query("end_silence", end_silence, SilenceDocument, method="DELETE", path="/silences/{id}", is_action=True)


def _apply(archive: Archive, action: MakeSilence | EndSilence) -> ListedSilence:
    assert archive.turn is not None
    created = actions.apply_action(operator_context(archive.turn, by=archive.by), action).created
    assert isinstance(created, Silence)
    [listed] = with_stories(archive.tx, [created], now=archive.now)
    return listed
