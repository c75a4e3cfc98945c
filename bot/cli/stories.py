"""wirewatch stories: list, split and merge stories."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import app
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json, duration, no_configuration
from bot.durations import format_count
from bot.queries import export
from bot.queries.actions import MERGE, SPLIT, RulingDocument
from bot.queries.registry import Archive, read_parameters
from bot.queries.stories import (
    MessageDocument,
    StoryDocument,
    StoryRow,
    describe_decision,
    describe_join,
    describe_message,
    describe_outcomes,
    describe_sources,
    read_story,
)
from bot.stories import summaries

#: Maximum outlets named in the short list.
OUTLETS_SHOWN = 4
#: The beginning of a story's id that the short list shows; `split` and `merge` accept it.
SHORT_ID = 8

stories = typer.Typer(help="List, split and merge stories.", invoke_without_command=True)

Story = Annotated[
    str,
    typer.Argument(help="The id that `wirewatch stories` shows, or the beginning of it.", metavar="STORY"),
]


@stories.callback()
def _list(
    context: typer.Context,
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[
        str | None, typer.Option(help="Only stories that changed within this time.", metavar="DURATION")
    ] = None,
    silenced: Annotated[bool, typer.Option(help="Only stories with a message that a silence held back.")] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Also show articles, matched words, decisions and messages.")
    ] = False,
    form: Annotated[
        export.ExportFormat | None,
        typer.Option("--format", help="Print one row per story, for other tools: csv or json."),
    ] = None,
    json: Json = False,
) -> None:
    """List stories with their outlets, their rules, and what became of them.

    With --format, prints each story's rules, first and last report, outlets, links, facts, and what people decided.
    In CSV, a cell that a spreadsheet would run as a formula begins with an apostrophe.

    Example: wirewatch stories --since 7d --format csv > stories.csv
    """
    if context.invoked_subcommand is not None:
        return
    if folder == DEFAULT_CONFIG and not folder.exists():
        raise no_configuration(folder)
    if form is not None:
        _export(folder, form, since)
        return
    span = duration(since) if since else None
    entries = archive.look(
        app.load(folder, os.environ),
        lambda archive: [
            # Skip a merged story, because the story that it became is listed.
            read_story(archive.tx, story)
            for story in archive.tx.stories.since(archive.now - span if span else None)
            if story.merged_into is None
        ],
    )
    if silenced:
        entries = [entry for entry in entries if any(decision.silence for decision in entry.decisions)]
    if json:
        terminal.answer([StoryDocument.of(entry) for entry in entries])
        return
    if not entries:
        terminal.say("No silence held back a message." if silenced else "No story yet: no article has matched a rule.")
    for entry in entries:
        (_show if all_ else _show_briefly)(entry)


def _export(folder: Path, form: export.ExportFormat, since: str | None) -> None:
    parameters = read_parameters(export.ExportParameters, {"since": since} if since else {})

    def write(archive: Archive) -> None:
        # The head has no text of others, and ``terminal.write`` would remove its byte order mark.
        sys.stdout.write(export.write_head(form))
        cursor, is_first = None, True
        while True:
            rows, cursor = export.read_page(archive, parameters, cursor)
            for text in export.write_stories(form, rows, is_first=is_first):
                terminal.write(text)
            is_first = is_first and not rows
            if cursor is None:
                break
        terminal.write(export.write_end(form))

    archive.look(app.load(folder, os.environ), write)


@stories.command()
def split(
    story: Story,
    article: Annotated[list[str], typer.Argument(help="Addresses of the articles to split off.", metavar="ARTICLE…")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make some articles of a story a separate story.

    Use this command if the articles are about another event.

    Example: wirewatch stories split 5f2d3a9c01e4b7788990 https://wire.example/another-fine
    """
    _say_ruling(archive.ask(folder, SPLIT, {"id": story, "articles": article}))


@stories.command()
def merge(
    story: Story,
    other: Annotated[str, typer.Argument(help="The id of the other story, or the beginning of it.", metavar="OTHER")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make two stories one.

    The message of the older story stays, and the message of the younger story points to it.

    Example: wirewatch stories merge 5f2d3a9c01e4b7788990 0a1b2c3d4e5f60718293
    """
    _say_ruling(archive.ask(folder, MERGE, {"id": story, "other": other}))


def _say_ruling(ruling: RulingDocument) -> None:
    terminal.say(f"{ruling.effect} If the bot does not run, this happens at its next start.")


def _show_briefly(entry: StoryRow) -> None:
    story = entry.story
    outlets = list(dict.fromkeys(member.article.outlet for member in story.members))
    more = f" and {len(outlets) - OUTLETS_SHOWN} more" if len(outlets) > OUTLETS_SHOWN else ""
    terminal.row(summaries.story_headline(story), style="bold")
    terminal.row(f"  {', '.join(outlets[:OUTLETS_SHOWN])}{more} · {', '.join(story.rules) or 'no rule'}")
    outcome = "; ".join(f"{channel}: {what}" for channel, what in describe_outcomes(entry)) or "no decision yet"
    if not story.rules:
        # A language model found that the article is not about the subject of its rules.
        outcome = describe_join(story.members[0].join)
    terminal.row(f"  {story.id[:SHORT_ID]} · {story.first_seen:%Y-%m-%d %H:%M} UTC · {outcome}", style="dim")


def _show(entry: StoryRow) -> None:
    story = entry.story
    terminal.row(summaries.story_headline(story), style="bold")
    span = f"{story.first_seen:%Y-%m-%d %H:%M} to {story.last_seen:%Y-%m-%d %H:%M} UTC"
    terminal.row(f"  {story.id} · {span} · {format_count(len(story.owners), 'independent outlet')}", style="dim")
    if story.thread:
        terminal.row(f"  thread of the rule {story.thread}: {format_count(len(story.events), 'event')}")
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
        terminal.row(f"      grouping: {describe_join(member.join)}", style="dim")
        for line in describe_sources(member.article.origins, is_official=member.article.is_official):
            terminal.row(f"      {line}", style="dim")
    for decision in entry.decisions:
        terminal.row(f"  {decision.at:%Y-%m-%d %H:%M} UTC {describe_decision(decision)}", style="dim")
    for row in entry.messages:
        terminal.row(f"  message: {describe_message(MessageDocument.of(row))}", style="dim")
    terminal.out().print()
