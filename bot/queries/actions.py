"""Questions that act: split and merge stories, and create and end silences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

import pydantic

from bot import config
from bot.feeds import links
from bot.model.actions import (
    Action,
    EndSilence,
    MakeSilence,
    Merge,
    Ruling,
    RulingKind,
    Silence,
    SilenceKind,
    Split,
)
from bot.model.channels import ActionResult
from bot.model.durations import format_count, parse_duration
from bot.model.stories import ArticleId, Story
from bot.pipeline import actions
from bot.pipeline.rights import ActionContext, operator_context
from bot.queries.registry import (
    DURATION,
    Archive,
    Document,
    Id,
    Name,
    Parameters,
    Question,
    RefusalKind,
    Refused,
    unknown_rule,
    unusable,
)
from bot.queries.silences import ListedSilence, SilenceDocument, read_silences
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
        beginning = [known for known in article_ids.values() if len(address) >= 6 and known.startswith(address)]
        if article is None and len(set(beginning)) == 1:
            article = beginning[0]
        if article is None:
            raise Refused(
                RefusalKind.UNUSABLE,
                f"the story {story.id} has no article {address}; `wirewatch stories` lists its articles",
            )
        chosen.append(article)
    if all(member.article.id in chosen or member.join.copy_of in chosen for member in story.members):
        raise Refused(RefusalKind.UNUSABLE, f"these are all articles of the story {story.id}; leave at least one in it")
    return _rule(archive, story, Split(articles=tuple(chosen)))


SPLIT = Question(
    "split", split_story, RulingDocument, method="POST", path="/stories/{id}/split", status=202, is_action=True
)


def merge_stories(archive: Archive, parameters: MergeParameters) -> RulingDocument:
    """Make two stories one, because they are about the same event."""
    story, other = find_story(archive.tx, parameters.id), find_story(archive.tx, parameters.other)
    if story.id == other.id:
        raise Refused(RefusalKind.UNUSABLE, f"{parameters.id} and {parameters.other} are already one story")
    return _rule(archive, story, Merge(other=other.id))


MERGE = Question(
    "merge",
    merge_stories,
    RulingDocument,
    method="POST",
    path="/stories/{id}/merge",
    status=202,
    is_action=True,
)


def _rule(archive: Archive, story: Story, action: Split | Merge) -> RulingDocument:
    ruling = _apply_to_story(archive, story, action).created
    assert isinstance(ruling, Ruling)
    if ruling.kind is RulingKind.MERGE:
        effect = f"the stories {ruling.story} and {ruling.other} become one"
    else:
        count = len(ruling.articles)
        become = "becomes" if count == 1 else "become"
        effect = f"{format_count(count, 'article')} of the story {ruling.story} {become} a separate story"
    return RulingDocument(id=ruling.id, kind=ruling.kind, story=ruling.story, effect=effect)


def _apply_to_story(archive: Archive, story: Story, action: Action) -> ActionResult:
    context = _context(archive)
    return actions.apply_action(context, action, actions.story_target(context, story.id))


def _context(archive: Archive) -> ActionContext:
    assert archive.turn is not None
    return operator_context(archive.turn, by=archive.by)


# -- silences


class SilenceParameters(Parameters):
    """A silence to create: its subject, its channels, its end and its reason."""

    kind: Literal["story", "rule", "outlet", "entity", "everything"]
    name: str = pydantic.Field(
        default="",
        max_length=300,
        description="The rule's, outlet's or entity's name, or the story's id. Omit it for everything.",
    )
    lasts: str | None = pydantic.Field(
        default=None,
        alias="for",
        min_length=1,
        max_length=40,
        examples=["2 hours", "3d"],
        json_schema_extra={"pattern": f"^{DURATION}$"},
        description="How long the silence lasts. Give this or `until`; a silence of a story needs neither.",
    )
    until: str | None = pydantic.Field(
        default=None,
        min_length=1,
        max_length=40,
        examples=["2026-12-31", "2026-12-31 18:00"],
        description="The silence's last day or the time of its end, in the time zone of bot.yaml.",
    )
    reason: str = pydantic.Field(min_length=1, max_length=300)
    channels: tuple[Annotated[str, pydantic.Field(min_length=1, max_length=300)], ...] = pydantic.Field(
        default=(), max_length=100, description="The silenced channels. An empty list means all channels."
    )


def make_silence(archive: Archive, parameters: SilenceParameters) -> ListedSilence:
    """Create a silence: until it ends, post nothing about a story, rule, outlet, entity or everything."""
    if parameters.lasts and parameters.until:
        raise unusable("until", 'give only one of "for" and "until"')
    loaded = [entry.rule.name for entry in archive.settings.rules]
    if parameters.kind == "rule" and not errors.find_names(parameters.name, loaded):
        raise unknown_rule(parameters.name, archive.settings)
    end: datetime | timedelta | None = None
    try:
        if parameters.lasts:
            end = parse_duration(parameters.lasts)
        elif parameters.until:
            end = config.end_of_date(config.parse_until(parameters.until), archive.settings.bot.timezone)
    except (ValueError, OverflowError) as error:
        if parameters.lasts:
            raise unusable("for", str(error)) from None
        raise unusable("until", f"{error}; write 2026-12-31 or 2026-12-31 18:00") from None
    return _apply(
        archive,
        MakeSilence(
            kind=SilenceKind(parameters.kind),
            name=parameters.name,
            end=end,
            reason=parameters.reason,
            channels=parameters.channels,
        ),
    )


SILENCE = Question(
    "silence", make_silence, SilenceDocument, method="POST", path="/silences", status=201, is_action=True
)


class EndSilenceParameters(Parameters):
    """The silence to end."""

    id: Id = pydantic.Field(description="The silence's id.")


def end_silence(archive: Archive, parameters: EndSilenceParameters) -> ListedSilence:
    """End a silence before its time."""
    if parameters.id not in {stored.id for stored in archive.tx.silences.all()}:
        raise Refused(
            RefusalKind.NOT_FOUND,
            f"no silence {parameters.id}; `wirewatch silence list` and GET /silences list all silences",
        )
    return _apply(archive, EndSilence(id=parameters.id))


END_SILENCE = Question(
    "end_silence", end_silence, SilenceDocument, method="DELETE", path="/silences/{id}", is_action=True
)


def _apply(archive: Archive, action: MakeSilence | EndSilence) -> ListedSilence:
    created = actions.apply_action(_context(archive), action).created
    assert isinstance(created, Silence)
    kept = {entry.silence.id: entry.stories for entry in read_silences(archive.tx, now=archive.now, with_ended=True)}
    is_active = created.is_active(archive.now)
    return ListedSilence(silence=created, is_active=is_active, stories=kept.get(created.id, ()))
