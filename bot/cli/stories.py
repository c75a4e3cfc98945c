"""wirewatch stories: every story with a matched article, announced or not."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

import typer

from bot import app, model, ports, summaries
from bot.answers import building, telling
from bot.cli import archive, rulings, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json, duration

stories = typer.Typer(help="List stories, split one or merge two.", invoke_without_command=True)


@stories.callback()
def _list(
    context: typer.Context,
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[str | None, typer.Option(help="Only what moved within this time.", metavar="DURATION")] = None,
    silenced: Annotated[bool, typer.Option(help="Only those of which a silence kept something back.")] = False,
    json: Json = False,
) -> None:
    """List stories with their articles, the words that matched, each decision and each message.

    Example: wirewatch stories --since 7d --json
    """
    if context.invoked_subcommand is not None:
        return
    span = duration(since) if since else None
    found = archive.look(app.load(folder, os.environ), lambda tx, now: told(tx, now - span if span else None))
    if silenced:
        found = [entry for entry in found if any(decision.silence for decision in entry.decisions)]
    if json:
        terminal.answer([building.story(entry).model_dump(mode="json") for entry in found])
        return
    if not found:
        terminal.say("No silence kept anything back." if silenced else "No story yet: no article has matched a rule.")
    for entry in found:
        _show(entry)


stories.command("split")(rulings.split)
stories.command("merge")(rulings.merge)
stories.command("claim")(rulings.claim)


def told(tx: ports.Transaction, since: datetime | None) -> list[telling.StoryRow]:
    """Stories with their decisions and messages; a merged story is told by the one it became."""
    return [telling.told(tx, story) for story in tx.stories.since(since) if story.merged_into is None]


def _show(entry: telling.StoryRow) -> None:
    story = entry.story
    terminal.row(summaries.headline_of(story), style="bold")
    span = f"{story.first_seen:%Y-%m-%d %H:%M} to {story.last_seen:%Y-%m-%d %H:%M} UTC"
    terminal.row(f"  {story.id} · {span} · {model.counted(len(story.owners), 'independent outlet')}", style="dim")
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
        terminal.row(f"  {decision.at:%m-%d %H:%M} {telling.decision(decision)}", style="dim")
    for row in entry.messages:
        sent = f"sent {row.receipt.sent_at:%m-%d %H:%M}" if row.receipt else row.state.value
        terminal.row(f"  message: {row.message.kind.value} to {row.channel}, {sent}", style="dim")
    terminal.out().print()
