"""Whom a message is to call, and by which ids of its channel."""

from __future__ import annotations

from dataclasses import replace
from typing import overload

from bot import model
from bot.pipeline.snapshot import Snapshot


@overload
def called(row: model.Outgoing, snapshot: Snapshot) -> model.Outgoing: ...
@overload
def called(row: None, snapshot: Snapshot) -> None: ...
def called(row: model.Outgoing | None, snapshot: Snapshot) -> model.Outgoing | None:
    """The message at the head of a thread with those whom its rules mention, each once; others as they are.

    A rule's own mention counts before that of its severity.
    """
    if row is None or row.message.kind not in (model.MessageKind.POST, model.MessageKind.EDIT):
        return row
    loaded = snapshot.rules.rules
    named = [loaded[why.rule] for brief in row.message.briefs for why in brief.why if why.rule in loaded]
    names = dict.fromkeys(name for rule in named for name in rule.mention or snapshot.mention.get(rule.severity, ()))
    people = snapshot.people.get(row.channel, {})
    mentions = tuple(model.Mention(name=name, id=people.get(name, "")) for name in names)
    return replace(row, message=replace(row.message, mentions=mentions)) if mentions else row
