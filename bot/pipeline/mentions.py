"""Whom a message is to call, by which ids of its channel, and how they claim its story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import overload

from bot import model
from bot.pipeline.snapshot import Snapshot


@overload
def called(row: model.Outgoing, snapshot: Snapshot) -> model.Outgoing: ...
@overload
def called(row: None, snapshot: Snapshot) -> None: ...
def called(row: model.Outgoing | None, snapshot: Snapshot) -> model.Outgoing | None:
    """The message at the head of a thread with those whom its rules mention, each once, and with how its story is
    claimed where somebody is called otherwise; other messages as they are.

    A rule's own mention counts before that of its severity.
    """
    if row is None or row.message.kind not in (model.MessageKind.POST, model.MessageKind.EDIT):
        return row
    loaded = snapshot.rules.rules
    named = [loaded[why.rule] for brief in row.message.briefs for why in brief.why if why.rule in loaded]
    names = dict.fromkeys(name for rule in named for name in rule.mention or snapshot.mention.get(rule.severity, ()))
    people = snapshot.people.get(row.channel, {})
    mentions = tuple(model.Mention(name=name, id=people.get(name, "")) for name in names)
    way = _claim_way(row, named, snapshot)
    return replace(row, message=replace(row.message, mentions=mentions, claim_way=way))


def _claim_way(row: model.Outgoing, named: Sequence[model.Rule], snapshot: Snapshot) -> model.ClaimWay | None:
    is_high = any(rule.severity is model.Severity.HIGH and rule.digest is None for rule in named)
    # What the second channel posts itself goes nowhere else.
    is_there = snapshot.escalate and snapshot.escalate.to == row.channel and row.message.escalation is None
    if not is_high or snapshot.escalate is None or is_there:
        return None
    return snapshot.claim_ways.get(row.channel, model.ClaimWay.COMMAND)
