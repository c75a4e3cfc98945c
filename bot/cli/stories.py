"""wirewatch stories: list stories; split, merge and claim them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot import app, model, storage
from bot.app import wiring
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json, author, duration
from bot.model.actions import Action, Claim, Release
from bot.pipeline import actions, silences
from bot.queries import building, rulings
from bot.queries.errors import Refused
from bot.stories import summaries

Story = Annotated[
    str,
    typer.Argument(help="The id of a story, as `wirewatch stories` shows it, or its beginning.", metavar="STORY"),
]

_SOON = "The running bot carries it out within seconds, otherwise the next start does."


def split(
    story: Story,
    article: Annotated[list[str], typer.Argument(help="The address of each article to take out.", metavar="ARTICLE…")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make articles of a story a separate story.

    For articles that are about another event.

    Example: wirewatch stories split 5f2d3a9c01e4b7788990 https://wire.example/another-fine
    """
    ruling = _apply(folder, story, lambda tx, story_id: rulings.split_of(tx, story_id, article)).created
    assert isinstance(ruling, model.Ruling)
    terminal.say(f"Ruled: {rulings.describe_result(ruling)}. {_SOON}")


def merge(
    story: Story,
    other: Annotated[str, typer.Argument(help="The id of the other story, or its beginning.", metavar="OTHER")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make two stories one.

    The older message stays, and the younger points to it.

    Example: wirewatch stories merge 5f2d3a9c01e4b7788990 0a1b2c3d4e5f60718293
    """
    ruling = _apply(
        folder, story, lambda tx, story_id: rulings.merge_of(tx, story_id, rulings.story_id(tx, other))
    ).created
    assert isinstance(ruling, model.Ruling)
    terminal.say(f"Ruled: {rulings.describe_result(ruling)}. {_SOON}")


def claim(
    story: Story,
    release: Annotated[bool, typer.Option("--release", help="Nobody takes care of it any more.")] = False,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Say that you take care of a story.

    Its messages show the claim, and nobody else is notified.

    Example: wirewatch stories claim 5f2d3a9c01e4b7788990
    """
    terminal.say(_apply(folder, story, lambda tx, story_id: Release() if release else Claim()).text)


def _apply(
    folder: Path, story: str, action_of: Callable[[storage.Transaction, model.StoryId], Action]
) -> model.ActionResult:
    settings = app.load(folder, os.environ)
    snapshot = wiring.snapshot_of(settings)

    def work(tx: storage.Transaction, now: datetime) -> model.ActionResult:
        entries = rulings.story_id(tx, story)
        context = silences.operator_context(tx, snapshot, by=author(), now=now)
        return actions.apply_action(context, action_of(tx, entries), actions.story_target(context, entries))

    try:
        return archive.change(settings, work)
    except (Refused, model.CannotAct) as error:
        terminal.fail(str(error), UNUSABLE)


stories = typer.Typer(help="List stories, split one or merge two.", invoke_without_command=True)


@stories.callback()
def _list(
    context: typer.Context,
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[str | None, typer.Option(help="Only what moved within this time.", metavar="DURATION")] = None,
    silenced: Annotated[bool, typer.Option(help="Only stories with a message that a silence held back.")] = False,
    json: Json = False,
) -> None:
    """List stories with their articles, the words that matched, each decision and each message.

    Example: wirewatch stories --since 7d --json
    """
    if context.invoked_subcommand is not None:
        return
    span = duration(since) if since else None
    entries = archive.look(
        app.load(folder, os.environ), lambda tx, now: read_story_rows(tx, now - span if span else None)
    )
    if silenced:
        entries = [entry for entry in entries if any(decision.silence for decision in entry.decisions)]
    if json:
        terminal.answer([building.story(entry).model_dump(mode="json") for entry in entries])
        return
    if not entries:
        terminal.say("No silence kept anything back." if silenced else "No story yet: no article has matched a rule.")
    for entry in entries:
        _show(entry)


stories.command("split")(split)
stories.command("merge")(merge)
stories.command("claim")(claim)


def read_story_rows(tx: storage.Transaction, since: datetime | None) -> list[building.StoryRow]:
    """Return stories with their decisions and messages; a merged story is listed as the story it became."""
    return [building.read_stories(tx, story) for story in tx.stories.since(since) if story.merged_into is None]


def _show(entry: building.StoryRow) -> None:
    story = entry.story
    terminal.row(summaries.story_headline(story), style="bold")
    span = f"{story.first_seen:%Y-%m-%d %H:%M} to {story.last_seen:%Y-%m-%d %H:%M} UTC"
    terminal.row(f"  {story.id} · {span} · {model.format_count(len(story.owners), 'independent outlet')}", style="dim")
    if story.rules:
        terminal.row(f"  rules: {', '.join(story.rules)}")
    for member in story.members:
        terminal.row(f"  - {member.article.outlet}: {member.article.title}  {member.article.link}")
        words = dict.fromkeys(
            f'{evidence.label} "{evidence.text}" in {evidence.field}'
            for match in member.matches
            for evidence in match.evidence
        )
        if words:
            terminal.row(f"      matched: {'; '.join(words)}", style="dim")
        joined = f"{member.join.reason.value}{': ' + member.join.detail if member.join.detail else ''}"
        terminal.row(f"      joined: {joined}", style="dim")
    for decision in entry.decisions:
        terminal.row(f"  {decision.at:%m-%d %H:%M} {building.describe_decision(decision)}", style="dim")
    for row in entry.messages:
        sent = f"sent {row.receipt.sent_at:%m-%d %H:%M}" if row.receipt else row.state.value
        terminal.row(f"  message: {row.message.kind.value} to {row.channel}, {sent}", style="dim")
    terminal.out().print()
