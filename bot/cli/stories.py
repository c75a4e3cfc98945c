"""wirewatch stories: every story with a matched article, announced or not."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot import app, model, ports
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
    told = asyncio.run(_stories(folder, since))
    if silenced:
        told = [entry for entry in told if any(decision.silence for decision in entry[1])]
    if json:
        terminal.answer([_as_json(*entry) for entry in told])
        return
    if not told:
        terminal.say("No silence kept anything back." if silenced else "No story yet: no article has matched a rule.")
    for entry in told:
        _show(*entry)


stories.command("split")(rulings.split)
stories.command("merge")(rulings.merge)

Told = tuple[model.Story, tuple[model.Decision, ...], tuple[model.Outgoing, ...]]


async def _stories(folder: Path, since: str | None) -> list[Told]:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    when = environment.clock.now() - duration(since) if since else None
    async with archive.opened(settings, environment) as store:
        return await store.read(lambda tx: told(tx, when))


def told(tx: ports.Transaction, since: datetime | None) -> list[Told]:
    """Stories with their decisions and messages; a merged story is told by the one it became."""
    found = [story for story in tx.stories.since(since) if story.merged_into is None]
    return [(story, tuple(tx.stories.decisions(story.id)), _messages(tx, story.id)) for story in found]


def _messages(tx: ports.Transaction, story: model.StoryId) -> tuple[model.Outgoing, ...]:
    """Its own messages, and the gathered one that it is in."""
    own = tuple(tx.outbox.of_story(story))
    heads = [alert.head for alert in tx.stories.alerts([story]) if alert.head and alert.is_gathered]
    known = {row.id for row in own}
    gathered = tuple(row for row in tx.outbox.get(heads).values() if row.id not in known)
    return (*gathered, *own)


def _as_json(
    story: model.Story, decisions: tuple[model.Decision, ...], messages: tuple[model.Outgoing, ...]
) -> dict[str, object]:
    return {
        "id": story.id,
        "title": story.title,
        "first_seen": story.first_seen.isoformat(),
        "last_seen": story.last_seen.isoformat(),
        "rules": list(story.rules),
        "articles": [_article(member) for member in story.members],
        "decisions": list(map(decision_document, decisions)),
        "messages": [
            {
                "channel": row.channel,
                "kind": row.message.kind.value,
                "state": row.state.value,
                "sent_at": row.receipt.sent_at.isoformat() if row.receipt else None,
                "receipt": row.receipt.ref if row.receipt else None,
            }
            for row in messages
        ],
    }


def decision_document(decision: model.Decision) -> dict[str, object]:
    """A decision as every command's JSON tells it."""
    return {
        "at": decision.at.isoformat(),
        "channel": decision.channel,
        "action": decision.action.value,
        "reason": decision.reason.value,
        "detail": decision.detail,
        "silence": decision.silence,
    }


def _article(member: model.Member) -> dict[str, object]:
    article = member.article
    return {
        "title": article.title,
        "link": article.link,
        "outlet": article.outlet,
        "published": article.published.isoformat() if article.published else None,
        "first_seen": article.first_seen.isoformat(),
        "joined": {"reason": member.join.reason.value, "detail": member.join.detail},
        "matches": [
            {
                "rule": match.rule,
                "label": evidence.label,
                "term": evidence.term,
                "field": evidence.field,
                "text": evidence.text,
                "start": evidence.start,
                "end": evidence.end,
            }
            for match in member.matches
            for evidence in match.evidence
        ],
    }


def _show(story: model.Story, decisions: tuple[model.Decision, ...], messages: tuple[model.Outgoing, ...]) -> None:
    terminal.row(story.title, style="bold")
    span = f"{story.first_seen:%Y-%m-%d %H:%M} to {story.last_seen:%Y-%m-%d %H:%M} UTC"
    terminal.row(f"  {story.id} · {span} · {model.counted(len(story.owners), 'independent outlet')}", style="dim")
    terminal.row(f"  rules: {', '.join(story.rules)}")
    for member in story.members:
        terminal.row(f"  - {member.article.outlet}: {member.article.title}  {member.article.link}")
        words = dict.fromkeys(
            f'{evidence.label} "{evidence.text}" in {evidence.field}'
            for match in member.matches
            for evidence in match.evidence
        )
        terminal.row(f"      matched: {'; '.join(words)}", style="dim")
        joined = f"{member.join.reason.value}{': ' + member.join.detail if member.join.detail else ''}"
        terminal.row(f"      joined: {joined}", style="dim")
    for decision in decisions:
        detail = f" ({decision.detail})" if decision.detail else ""
        text = f"{decision.at:%m-%d %H:%M} {decision.channel}: {decision.action.value}, {decision.reason.value}{detail}"
        terminal.row(f"  {text}", style="dim")
    for row in messages:
        sent = f"sent {row.receipt.sent_at:%m-%d %H:%M}" if row.receipt else row.state.value
        terminal.row(f"  message: {row.message.kind.value} to {row.channel}, {sent}", style="dim")
    terminal.out.print()
