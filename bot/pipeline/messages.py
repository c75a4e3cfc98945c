"""Outbox rows made from decisions: posts, edits, replies, gathered messages, and escalations.

first message ──▶ an escalation in the outbox, due later ──▶ claimed or silenced before that: dropped
                                                     └──▶ else sent, like any row of the outbox
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import overload

from bot import alerts, model, storage
from bot.model import Verdict
from bot.pipeline import turn
from bot.pipeline.snapshot import Snapshot
from bot.stories import summaries


@overload
def with_mentions(row: model.Outgoing, snapshot: Snapshot) -> model.Outgoing: ...
@overload
def with_mentions(row: None, snapshot: Snapshot) -> None: ...
def with_mentions(row: model.Outgoing | None, snapshot: Snapshot) -> model.Outgoing | None:
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
    is_high = any(rule.severity is model.Severity.HIGH and rule.when is None for rule in named)
    if not is_high or snapshot.escalate is None or row.channel in snapshot.with_buttons:
        return False
    # Stories that are posted to the second channel itself are not escalated.
    return snapshot.escalate.to != row.channel or row.message.escalation is not None


#: Maximum stories in one gathered message.
STORIES_A_MESSAGE = 10


def post_row(
    decision: model.Decision,
    story: model.Story,
    rules: Mapping[str, model.Rule],
    *,
    nearest: model.Nearest | None = None,
    headline: model.ArticleId | None = None,
) -> model.Outgoing:
    """Return the first message about a story, or the separate message of a story that a gathered message listed.

    ``nearest``: the story that this one may be part of. ``headline``: the article whose headline was listed.
    """
    send_id = model.send_id("post", decision.story, decision.channel)
    message = _message(model.MessageKind.POST, decision, story, rules, decision.rules, headline=headline)
    return _row(send_id, send_id, decision, replace(message, nearest=nearest))


def edit_row(
    decision: model.Decision,
    story: model.Story,
    rules: Mapping[str, model.Rule],
    alert: model.Alert,
    *,
    judgements: tuple[model.Judgement, ...] = (),
    silences: tuple[model.Silence, ...] = (),
    nearest: model.Nearest | None = None,
    added: tuple[model.ArticleId, ...] = (),
    once: str | None = None,
) -> model.Outgoing | None:
    """Return the current text of the message at the head of the thread, or None if there is none to edit.

    ``added``: the articles that it did not have. ``once`` identifies the cause of an edit that no article caused.
    """
    if alert.head is None or alert.is_gathered:
        return None
    named = tuple(dict.fromkeys((*alert.rules, *decision.rules)))
    message = _message(model.MessageKind.EDIT, decision, story, rules, named, headline=alert.headline)
    message = replace(message, judgements=judgements, silences=silences, latest=alert.latest)
    message = replace(message, nearest=nearest, added=added)
    return _row(_edit_id(decision, story, named, once=once), alert.head, decision, message)


def gathered_edit_row(
    tx: storage.Transaction,
    decision: model.Decision,
    story: model.Story,
    rules: Mapping[str, model.Rule],
    alert: model.Alert,
    *,
    added: tuple[model.ArticleId, ...] = (),
    once: str | None = None,
) -> model.Outgoing | None:
    """Return the gathered message that lists the story, with its stories as they are now.

    Return None if the store does not have it yet, or no longer.
    """
    head = _gathered_row_of(tx, story.id, alert)
    if head is None or alert.head is None:
        return None
    briefs = [_gathered_brief(tx, brief, decision.channel, story, rules) for brief in head.message.briefs]
    message = replace(
        head.message, kind=model.MessageKind.EDIT, reason=decision.reason, briefs=tuple(briefs), added=added
    )
    send_id = _edit_id(decision, story, decision.rules, once=once)
    return _row(send_id, alert.head, decision, message, is_gathered=True)


def extended_row(
    tx: storage.Transaction,
    decisions: Sequence[model.Decision],
    stories: Mapping[model.StoryId, model.Story],
    rules: Mapping[str, model.Rule],
    alert: model.Alert,
    *,
    lead: str,
) -> model.Outgoing | None:
    """Return the gathered message that lists the story of ``alert``, with the stories of these decisions added.

    Return None if the store does not have it yet, or no longer.
    """
    listed = _gathered_row_of(tx, alert.story, alert)
    if listed is None or alert.head is None:
        return None
    more = gathered_row(decisions, stories, rules, lead=lead)
    briefs = sorted((*more.message.briefs, *listed.message.briefs), key=_rank, reverse=True)
    severity = max(listed.message.severity, more.message.severity, key=lambda severity: severity.rank)
    added = tuple(brief.title.article for brief in more.message.briefs if brief.title.article)
    message = replace(more.message, kind=model.MessageKind.EDIT, severity=severity, briefs=tuple(briefs), added=added)
    send_id = model.send_id("edit", alert.head, *(decision.story for decision in decisions))
    return _row(send_id, alert.head, decisions[0], message, is_gathered=True)


def _rank(brief: model.StoryBrief) -> int:
    return max((why.severity.rank for why in brief.why), default=0)


def _gathered_row_of(tx: storage.Transaction, story: model.StoryId, alert: model.Alert) -> model.Outgoing | None:
    """Return the newest version of the gathered message that lists the story."""
    rows = [row for row in tx.outbox.of_story(story) if row.thread == alert.head and row.message.is_gathered]
    return max(rows, key=lambda row: row.seq, default=None)


def _gathered_brief(
    tx: storage.Transaction,
    brief: model.StoryBrief,
    channel: str,
    changed: model.Story,
    rules: Mapping[str, model.Rule],
) -> model.StoryBrief:
    """Return the brief of a listed story as it is now, or unchanged if the store no longer has the story."""
    story = changed if brief.story == changed.id else turn.find_living(tx, brief.story)
    if story is None:
        return brief
    alert = next((alert for alert in tx.stories.alerts([brief.story]) if alert.channel == channel), None)
    named = _rules_named(rules, alert.rules if alert else ())
    # Keep the id of a merged story, since its menu and headline refer to it.
    return replace(summaries.make_brief(story, named, headline=brief.title.article), story=brief.story)


def _edit_id(decision: model.Decision, story: model.Story, rules: Sequence[str], *, once: str | None) -> model.SendId:
    if once is not None:
        return model.send_id("edit", decision.story, decision.channel, "judged", once)
    versions = sum(member.article.version for member in story.members)
    state = f"{len(story.members)}.{versions}.{story.members[-1].article.id}"
    return model.send_id("edit", decision.story, decision.channel, state, *rules)


def reply_row(
    decision: model.Decision, story: model.Story, rules: Mapping[str, model.Rule], alert: model.Alert
) -> model.Outgoing | None:
    """Return the reply of a decision in the story's thread, or None if the thread has no message yet."""
    if alert.head is None:
        return None
    cause = (
        decision.article or "",
        *decision.rules,
        *(f"{fact.label}: {fact.after}" for fact in decision.facts),
        *(f"{edit.article}{edit.field}{edit.after}" for edit in decision.edits),
        *((decision.detail, decision.at.isoformat()) if decision.reason is model.Reason.REMINDER else ()),
    )
    send_id = model.send_id("reply", decision.story, decision.channel, decision.reason, *cause)
    message = _message(model.MessageKind.REPLY, decision, story, rules, decision.rules, headline=alert.headline)
    if alert.is_gathered:
        message = replace(message, title=message.briefs[0].title)
    if decision.reason is model.Reason.REMINDER:
        message = replace(message, lead=f"Reminder: {decision.detail}")
    return _row(send_id, alert.head, decision, message)


def nearest_story(
    tx: storage.Transaction, story: model.Story, channel: str, rules: Mapping[str, model.Rule]
) -> model.Nearest | None:
    """Return the story that this one may be part of, as the channel shows it, or None if there is none."""
    other = turn.find_living(tx, story.nearest)
    if other is None or other.id == story.id:
        return None
    alert = next((alert for alert in tx.stories.alerts([other.id]) if alert.channel == channel), None)
    is_posted = alert is not None and alert.state is model.AlertState.POSTED and not alert.is_gathered
    return model.Nearest(
        story=other.id,
        title=summaries.message_headline(other, rules, article=alert.headline if alert is not None else None),
        head=alert.head if alert is not None and is_posted else None,
    )


def gathered_row(
    decisions: Sequence[model.Decision],
    stories: Mapping[model.StoryId, model.Story],
    rules: Mapping[str, model.Rule],
    *,
    lead: str,
) -> model.Outgoing:
    """Return one message for several stories of one channel."""
    first = decisions[0]
    send_id = model.send_id("gathered", first.channel, *(decision.story for decision in decisions))
    named = [rules[name] for decision in decisions for name in decision.rules if name in rules]
    message = model.Message(
        kind=model.MessageKind.GATHERED,
        severity=highest_severity(named),
        reason=first.reason,
        lead=lead,
        briefs=tuple(
            summaries.make_brief(stories[decision.story], _rules_named(rules, decision.rules)) for decision in decisions
        ),
    )
    return _row(send_id, send_id, first, message, is_gathered=True)


def pointer_row(
    decision: model.Decision,
    to: model.Story,
    message: model.SendId,
    rules: Mapping[str, model.Rule],
    *,
    lead: str,
    title: model.Sentence | None = None,
) -> model.Outgoing:
    """Return an edit of a ``message`` (the id of its row) that points to the story with its articles.

    ``title``: the headline that it was posted with, which it keeps.
    """
    send_id = model.send_id("pointer", message, to.id)
    text = model.Message(
        kind=model.MessageKind.EDIT,
        reason=model.Reason.MERGED,
        lead=lead,
        title=title,
        briefs=(summaries.make_brief(to, _rules_named(rules, to.rules)),),
    )
    return _row(send_id, message, decision, text)


def highest_severity(rules: Sequence[model.Rule]) -> model.Severity:
    """Return the highest severity among the rules, or normal if there are none."""
    return max((rule.severity for rule in rules), key=lambda severity: severity.rank, default=model.Severity.NORMAL)


def _rules_named(rules: Mapping[str, model.Rule], names: Sequence[str]) -> dict[str, model.Rule]:
    return {name: rules[name] for name in names if name in rules}


def _message(
    kind: model.MessageKind,
    decision: model.Decision,
    story: model.Story,
    rules: Mapping[str, model.Rule],
    names: Sequence[str],
    *,
    headline: model.ArticleId | None = None,
) -> model.Message:
    named = _rules_named(rules, names)
    return model.Message(
        kind=kind,
        severity=highest_severity(list(named.values())),
        reason=decision.reason,
        briefs=(summaries.make_brief(story, named, headline=headline),),
        facts=decision.facts,
        edits=decision.edits,
    )


def _row(
    send_id: model.SendId,
    thread: model.SendId,
    decision: model.Decision,
    message: model.Message,
    *,
    is_gathered: bool = False,
) -> model.Outgoing:
    return model.Outgoing(
        id=send_id,
        channel=decision.channel,
        thread=thread,
        message=message,
        story=None if is_gathered else decision.story,
        created_at=decision.at,
        due_at=decision.until or decision.at,
    )


_ESCALATED_REPLIES = (model.Reason.SECOND_RULE, model.Reason.CORROBORATION)


def escalation_row(
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
    is_high = any(rule.severity is model.Severity.HIGH and rule.when is None for rule in named.values())
    is_first = decision.action is model.AlertAction.POST and decision.reason is not model.Reason.DIGEST
    is_reply = decision.action is model.AlertAction.REPLY and decision.reason in _ESCALATED_REPLIES
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
            briefs=(summaries.make_brief(story, named, headline=alert.headline),),
            escalation=model.Escalation(head=head, channel=decision.channel, after=escalate.after),
        ),
        story=story.id,
        created_at=decision.at,
        due_at=(decision.until or decision.at) + escalate.after,
    )


def active_claims(tx: storage.Transaction, posted: Sequence[model.Alert]) -> Sequence[model.Judgement]:
    """Return the current claim of a story in each channel that posted it; empty if nobody has claimed it."""
    judgements = [tx.judgements.of_story(alert.story, alert.channel) for alert in posted]
    active = chain(*map(alerts.active_feedback, judgements))
    return [judgement for judgement in active if judgement.verdict is Verdict.CLAIMED]


def drop_escalation(tx: storage.Transaction, alert: model.Alert, why: str, *, now: datetime) -> None:
    """Drop the unsent escalation of a story, and of a merged story whose message the alert has taken over."""
    posts = (row for row in tx.outbox.unsent() if row.message.kind is model.MessageKind.POST)
    ids = [
        row.id
        for row in posts
        if (escalation := row.message.escalation) and (row.story == alert.story or escalation.head == alert.head)
    ]
    tx.outbox.drop(ids, why, now=now)


def restart_escalation(
    tx: storage.Transaction,
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
        action=model.AlertAction.POST,
        reason=model.Reason.UNCLAIMED,
        rules=alert.rules,
    )
    rules, escalate = snapshot.rules.rules, snapshot.escalate
    row = escalation_row(decision, story, rules, alert=alert, escalate=escalate, once=once)
    tx.outbox.add([with_mentions(row, snapshot)] if row else [])


def find_pressed_escalation(
    tx: storage.Transaction, alerts_of: Collection[model.Alert], channels: Collection[str], place: str, ref: str
) -> tuple[model.Alert, str] | None:
    """Return the alert whose escalation is the message at a place, with the channel of that message."""
    for alert in alerts_of:
        for row in _escalations(tx, alert):
            is_pressed = row.receipt is not None and (row.receipt.place, row.receipt.ref) == (place, ref)
            if is_pressed and row.channel in channels:
                return alert, row.channel
    return None


def escalation_edits(
    tx: storage.Transaction, alert: model.Alert, shown: model.Message, *, once: str, now: datetime
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


def _escalations(tx: storage.Transaction, alert: model.Alert) -> list[model.Outgoing]:
    """Return the escalations of a story, also for another channel's message: a claim applies to all channels."""
    return [
        row
        for row in tx.outbox.of_story(alert.story)
        if row.message.escalation and row.message.kind is model.MessageKind.POST
    ]
