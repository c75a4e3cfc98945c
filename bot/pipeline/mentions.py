"""Add mentions, and the command that claims a story, to messages."""

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
    """Return the row with the address of the web page and, at the head of a thread, the mentions of its rules.

    A rule's ``mention`` overrides that of its severity.
    """
    if row is None:
        return None
    message = replace(row.message, public_url=snapshot.public_url)
    if message.kind not in (model.MessageKind.POST, model.MessageKind.EDIT) or message.is_gathered:
        return replace(row, message=message)
    loaded = snapshot.rules.rules
    named = [loaded[why.rule] for brief in row.message.briefs for why in brief.why if why.rule in loaded]
    names = dict.fromkeys(name for rule in named for name in rule.mention or snapshot.mention.get(rule.severity, ()))
    people = snapshot.people.get(row.channel, {})
    mentions = tuple(model.Mention(name=name, id=people.get(name, "")) for name in names)
    shows_command = _shows_claim_command(row, named, snapshot)
    return replace(row, message=replace(message, mentions=mentions, shows_claim_command=shows_command))


def _shows_claim_command(row: model.Outgoing, named: Sequence[model.Rule], snapshot: Snapshot) -> bool:
    is_high = any(rule.severity is model.Severity.HIGH and rule.digest is None for rule in named)
    if not is_high or snapshot.escalate is None or row.channel in snapshot.with_buttons:
        return False
    # Stories that are posted to the second channel itself are not escalated.
    return snapshot.escalate.to != row.channel or row.message.escalation is not None
