"""A story with all that was decided about it and said of it."""

from __future__ import annotations

from dataclasses import dataclass

from bot import model, ports


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRow:
    """One story with all that was decided and said."""

    story: model.Story
    decisions: tuple[model.Decision, ...]
    messages: tuple[model.Outgoing, ...]


def told(tx: ports.Transaction, story: model.Story) -> StoryRow:
    """The story with its decisions and messages."""
    return StoryRow(story=story, decisions=tuple(tx.stories.decisions(story.id)), messages=_messages(tx, story.id))


def decision(decided: model.Decision) -> str:
    """What was decided for one channel, in a line."""
    detail = f" ({decided.detail})" if decided.detail else ""
    return f"{decided.channel}: {decided.action.value}, {decided.reason.value}{detail}"


def _messages(tx: ports.Transaction, story: model.StoryId) -> tuple[model.Outgoing, ...]:
    """Its own messages, and the gathered one that it is in."""
    own = tuple(tx.outbox.of_story(story))
    heads = [alert.head for alert in tx.stories.alerts([story]) if alert.head and alert.is_gathered]
    known = {row.id for row in own}
    gathered = tuple(row for row in tx.outbox.get(heads).values() if row.id not in known)
    return (*gathered, *own)
