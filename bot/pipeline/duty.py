"""Claims of stories, and escalations to a second channel if nobody claims a story of severity high."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from bot import alerts, model, ports, summaries
from bot.model import Verdict
from bot.pipeline import mentions
from bot.pipeline.snapshot import Snapshot

_ESCALATED_REPLIES = (model.Reason.SECOND_RULE, model.Reason.CORROBORATION)


def escalation(
    decision: model.Decision,
    story: model.Story,
    rules: Mapping[str, model.Rule],
    *,
    alert: model.Alert,
    escalate: model.Escalate | None,
    once: str = "",
) -> model.Outgoing | None:
    """Return the escalation of a decision, or None if it is not of severity high or is posted to that channel anyway.

    ``once``: distinguishes a later escalation of the story from the first.
    """
    head = alert.head
    if escalate is None or head is None or escalate.to == decision.channel:
        return None
    named = {name: rules[name] for name in decision.rules if name in rules}
    is_high = any(rule.severity is model.Severity.HIGH and rule.digest is None for rule in named.values())
    is_first = decision.action is model.Action.POST and decision.reason is not model.Reason.DIGEST
    is_reply = decision.action is model.Action.REPLY and decision.reason in _ESCALATED_REPLIES
    if not is_high or not (is_first or is_reply):
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
    """Return the current claim of a story in each channel that posted it; empty if nobody has claimed it."""
    judgements = [tx.judgements.of_story(alert.story, alert.channel) for alert in posted]
    active = chain(*map(alerts.active_feedback, judgements))
    return [judgement for judgement in active if judgement.verdict is Verdict.CLAIMED]


def call_off(tx: ports.Transaction, alert: model.Alert, why: str, *, now: datetime) -> None:
    """Drop the unsent escalation of a story, and of a merged story whose message the alert has taken over."""
    posts = (row for row in tx.outbox.unsent() if row.message.kind is model.MessageKind.POST)
    ids = [
        row.id
        for row in posts
        if (escalation := row.message.escalation) and (row.story == alert.story or escalation.head == alert.head)
    ]
    tx.outbox.drop(ids, why, now=now)


def call_again(
    tx: ports.Transaction,
    alert: model.Alert,
    story: model.Story,
    snapshot: Snapshot,
    *,
    once: str,
    now: datetime,
) -> None:
    """Escalate a released story after the configured time from now, unless it was escalated before."""
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
    """Return the alert whose escalation is the message at a place, with the channel of that message."""
    for alert in alerts_of:
        for row in _escalations(tx, alert):
            is_pressed = row.receipt is not None and (row.receipt.place, row.receipt.ref) == (place, ref)
            if is_pressed and row.channel in channels:
                return alert, row.channel
    return None


def edits(
    tx: ports.Transaction, alert: model.Alert, shown: model.Message, *, once: str, now: datetime
) -> Iterator[model.Outgoing]:
    """Yield edits of sent escalations, with the judgements and silences of ``shown``, the story's message."""
    for row in _escalations(tx, alert):
        # An escalation that is being sent already has its text; the edit follows it.
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
    """Return the escalations of a story, also for another channel's message: a claim applies to all channels."""
    return [
        row
        for row in tx.outbox.of_story(alert.story)
        if row.message.escalation and row.message.kind is model.MessageKind.POST
    ]
