"""wirewatch stories split and merge: people decide last which articles tell one event."""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot import app, articles, model, ports
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir

Story = Annotated[str, typer.Argument(help="The id of a story, as `wirewatch stories` shows it.", metavar="STORY")]

_SOON = "The running bot carries it out within seconds, otherwise the next start does."


class _Refused(Exception):
    """What cannot be ruled, and what to do."""


def split(
    story: Story,
    article: Annotated[list[str], typer.Argument(help="The address of each article to take out.", metavar="ARTICLE…")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make articles of a story a separate story.

    For articles that are about another event.

    Example: wirewatch stories split 5f2d3a9c01e4b7788990 https://wire.example/another-fine
    """
    asyncio.run(_rule(folder, lambda tx: _splitting(tx, story, article)))


def merge(
    story: Story,
    other: Annotated[str, typer.Argument(help="The id of the other story.", metavar="OTHER")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make two stories one.

    The older message stays, and the younger points to it.

    Example: wirewatch stories merge 5f2d3a9c01e4b7788990 0a1b2c3d4e5f60718293
    """
    asyncio.run(_rule(folder, lambda tx: _merging(tx, story, other)))


async def _rule(folder: Path, ruling_of: Callable[[ports.Transaction], model.Ruling]) -> None:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    async with archive.opened_beside(settings, environment) as store:
        try:
            ruling = await store.read(ruling_of)
        except _Refused as error:
            terminal.fail(str(error), UNUSABLE)
        await store.write(lambda tx: tx.rulings.add(ruling))
    terminal.say(f"Ruled: {_told(ruling)}. {_SOON}")


def _ruling(
    kind: model.RulingKind,
    story: model.Story,
    *,
    articles: tuple[model.ArticleId, ...] = (),
    other: model.StoryId | None = None,
) -> model.Ruling:
    return model.Ruling(
        id=secrets.token_hex(10),
        at=app.Environment(environ={}).clock.now(),
        by=f"{getpass.getuser()} (command line)",
        kind=kind,
        story=story.id,
        articles=articles,
        other=other,
    )


def _splitting(tx: ports.Transaction, story_id: str, addresses: Sequence[str]) -> model.Ruling:
    story = _found(tx, story_id)
    known = {member.article.link: member.article.id for member in story.members if member.article.link}
    known |= {member.article.id: member.article.id for member in story.members}
    chosen: list[model.ArticleId] = []
    for address in addresses:
        article = known.get(address) or known.get(articles.canonical_link(address))
        if article is None:
            raise _Refused(f"the story {story.id} has no article {address}; `wirewatch stories` lists them")
        chosen.append(article)
    if all(member.article.id in chosen or member.join.copy_of in chosen for member in story.members):
        raise _Refused(f"these are all articles of the story {story.id}: there is nothing to take them out of")
    return _ruling(model.RulingKind.SPLIT, story, articles=tuple(chosen))


def _merging(tx: ports.Transaction, story_id: str, other_id: str) -> model.Ruling:
    story, other = _found(tx, story_id), _found(tx, other_id)
    if story.id == other.id:
        raise _Refused(f"{story_id} and {other_id} are one story already")
    return _ruling(model.RulingKind.MERGE, story, other=other.id)


def _found(tx: ports.Transaction, story_id: str) -> model.Story:
    """The story, or the one that it was merged into."""
    story = tx.stories.get([model.StoryId(story_id)]).get(model.StoryId(story_id))
    if story is not None and story.merged_into is not None:
        story = tx.stories.get([story.merged_into]).get(story.merged_into)
    if story is None:
        raise _Refused(f"no story {story_id}; `wirewatch stories` shows the id of each")
    return story


def _told(ruling: model.Ruling) -> str:
    if ruling.kind is model.RulingKind.MERGE:
        return f"the stories {ruling.story} and {ruling.other} become one"
    articles = model.counted(len(ruling.articles), "article")
    return f"{articles} of the story {ruling.story} become a separate story"
