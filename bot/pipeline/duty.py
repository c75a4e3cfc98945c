"""Who takes care of a story: claims, and what goes to a second channel when nobody claims one of severity high.

first message ──▶ a row of the outbox for the second channel, due later ──▶ claimed or silenced before: dropped
                                                                      └──▶ sent: once, as any row of the outbox
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from bot import alerts, model, ports, summaries
from bot.model import Verdict
from bot.pipeline import mentions
from bot.pipeline.snapshot import Snapshot

_JOINS_LOUDLY = (model.Reason.SECOND_RULE, model.Reason.CORROBORATION)


def escalation(
    decision: model.Decision,
    story: model.Story,
    rules: Mapping[str, model.Rule],
    *,
    alert: model.Alert,
    escalate: model.Escalate | None,
    once: str = "",
) -> model.Outgoing | None:
    """The row for the second channel that a decision asks for; None: it is not grave, or goes there anyway.

    ``once``: names another occasion than the story's first.
    """
    head = alert.head
    if escalate is None or head is None or escalate.to == decision.channel:
        return None
    named = {name: rules[name] for name in decision.rules if name in rules}
    is_high = any(rule.severity is model.Severity.HIGH and rule.digest is None for rule in named.values())
    is_first = decision.action is model.Action.POST and decision.reason is not model.Reason.DIGEST
    is_joined = decision.action is model.Action.REPLY and decision.reason in _JOINS_LOUDLY
    if not is_high or not (is_first or is_joined):
        return None
    send_id = model.send_id("escalation", story.id, *([once] if once else []))
    return model.Outgoing(
        id=send_id,
        channel=escalate.to,
        thread=send_id,
        message=model.Message(
            kind=model.MessageKind.POST,
            severity=model.Severity.HIGH,
            reason=model.Reason.ESCALATED,
            briefs=(summaries.brief(story, named, headline=alert.headline),),
            escalation=model.Escalation(head=head, channel=decision.channel, after=escalate.after),
        ),
        story=story.id,
        created_at=decision.at,
        due_at=(decision.until or decision.at) + escalate.after,
    )


def claims_of(tx: ports.Transaction, posted: Sequence[model.Alert]) -> Sequence[model.Judgement]:
    """The claim of a story that stands, as each channel that posted it keeps it; empty: nobody takes care of it."""
    said = [tx.judgements.of_story(each.story, each.channel) for each in posted]
    active = chain(*map(alerts.active_feedback, said))
    return [one for one in active if one.verdict is Verdict.CLAIMED]


def call_off(tx: ports.Transaction, alert: model.Alert, why: str, *, now: datetime) -> None:
    """Nobody needs to be called for the story any more: an escalation that was not sent is dropped.

    Also the one of a story whose message the alert has taken over.
    """
    posts = (row for row in tx.outbox.unsent() if row.message.kind is model.MessageKind.POST)
    calls = [(row, row.message.escalation) for row in posts]
    rows = [row.id for row, call in calls if call and (row.story == alert.story or call.head == alert.head)]
    tx.outbox.drop(rows, why, now=now)


def call_again(
    tx: ports.Transaction,
    alert: model.Alert,
    story: model.Story,
    snapshot: Snapshot,
    *,
    once: str,
    now: datetime,
) -> None:
    """The claim was released: where nobody was called before, somebody is after the time, counted from now."""
    if any(row.state is not model.SendState.DROPPED for row in _escalations(tx, alert)):
        return
    decision = model.Decision(
        at=now,
        story=story.id,
        channel=alert.channel,
        action=model.Action.POST,
        reason=model.Reason.UNCLAIMED,
        rules=alert.rules,
    )
    rules, escalate = snapshot.rules.rules, snapshot.escalate
    row = escalation(decision, story, rules, alert=alert, escalate=escalate, once=once)
    tx.outbox.add([mentions.called(row, snapshot)] if row else [])


def pressed(
    tx: ports.Transaction, alerts_of: Collection[model.Alert], channels: Collection[str], place: str, ref: str
) -> tuple[model.Alert, str] | None:
    """The alert whose escalation stands at a place, with the channel that this is."""
    for alert in alerts_of:
        for row in _escalations(tx, alert):
            is_there = row.receipt is not None and (row.receipt.place, row.receipt.ref) == (place, ref)
            if is_there and row.channel in channels:
                return alert, row.channel
    return None


def edits(
    tx: ports.Transaction, alert: model.Alert, shown: model.Message, *, once: str, now: datetime
) -> Iterator[model.Outgoing]:
    """Yield the edit of an escalation that has left, with what ``shown``, the story's message, has of people."""
    for row in _escalations(tx, alert):
        # One that is being sent was written before: its edit follows it.
        if row.state not in (model.SendState.PENDING, model.SendState.DROPPED):
            yield model.Outgoing(
                id=model.send_id("edit", row.id, once),
                channel=row.channel,
                thread=row.id,
                message=replace(
                    row.message,
                    kind=model.MessageKind.EDIT,
                    judgements=shown.judgements,
                    silences=shown.silences,
                ),
                story=row.story,
                created_at=now,
                due_at=now,
                is_plain=row.is_plain,
            )


def _escalations(tx: ports.Transaction, alert: model.Alert) -> list[model.Outgoing]:
    """Also of another channel's message: a story is claimed once, wherever that is."""
    return [
        row
        for row in tx.outbox.of_story(alert.story)
        if row.message.escalation and row.message.kind is model.MessageKind.POST
    ]
