"""Outbox rows made from decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot import model, ports, summaries
from bot.pipeline import rulings

#: Maximum stories in one gathered message.
STORIES_A_MESSAGE = 10


def post(
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


def edit(
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


def edit_gathered(
    tx: ports.Transaction,
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
    head = _as_gathered(tx, story.id, alert)
    if head is None or alert.head is None:
        return None
    briefs = [_gathered_brief(tx, brief, decision.channel, story, rules) for brief in head.message.briefs]
    message = replace(
        head.message, kind=model.MessageKind.EDIT, reason=decision.reason, briefs=tuple(briefs), added=added
    )
    send_id = _edit_id(decision, story, decision.rules, once=once)
    return _row(send_id, alert.head, decision, message, is_gathered=True)


def extended(
    tx: ports.Transaction,
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
    listed = _as_gathered(tx, alert.story, alert)
    if listed is None or alert.head is None:
        return None
    more = gathered(decisions, stories, rules, lead=lead)
    briefs = sorted((*more.message.briefs, *listed.message.briefs), key=_rank, reverse=True)
    severity = max(listed.message.severity, more.message.severity, key=lambda severity: severity.rank)
    added = tuple(brief.title.article for brief in more.message.briefs if brief.title.article)
    message = replace(more.message, kind=model.MessageKind.EDIT, severity=severity, briefs=tuple(briefs), added=added)
    send_id = model.send_id("edit", alert.head, *(decision.story for decision in decisions))
    return _row(send_id, alert.head, decisions[0], message, is_gathered=True)


def _rank(brief: model.StoryBrief) -> int:
    return max((why.severity.rank for why in brief.why), default=0)


def _as_gathered(tx: ports.Transaction, story: model.StoryId, alert: model.Alert) -> model.Outgoing | None:
    """Return the newest version of the gathered message that lists the story."""
    rows = [row for row in tx.outbox.of_story(story) if row.thread == alert.head and row.message.is_gathered]
    return max(rows, key=lambda row: row.seq, default=None)


def _gathered_brief(
    tx: ports.Transaction,
    brief: model.StoryBrief,
    channel: str,
    changed: model.Story,
    rules: Mapping[str, model.Rule],
) -> model.StoryBrief:
    """Return the brief of a listed story as it is now, or unchanged if the store no longer has the story."""
    story = changed if brief.story == changed.id else rulings.living(tx, brief.story)
    if story is None:
        return brief
    alert = next((alert for alert in tx.stories.alerts([brief.story]) if alert.channel == channel), None)
    named = _of(rules, alert.rules if alert else ())
    # Keep the id of a merged story, since its menu and headline refer to it.
    return replace(summaries.brief(story, named, headline=brief.title.article), story=brief.story)


def _edit_id(decision: model.Decision, story: model.Story, rules: Sequence[str], *, once: str | None) -> model.SendId:
    if once is not None:
        return model.send_id("edit", decision.story, decision.channel, "judged", once)
    versions = sum(member.article.version for member in story.members)
    state = f"{len(story.members)}.{versions}.{story.members[-1].article.id}"
    return model.send_id("edit", decision.story, decision.channel, state, *rules)


def reply(
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


def nearest(
    tx: ports.Transaction, story: model.Story, channel: str, rules: Mapping[str, model.Rule]
) -> model.Nearest | None:
    """Return the story that this one may be part of, as the channel shows it, or None if there is none."""
    other = rulings.living(tx, story.nearest)
    if other is None or other.id == story.id:
        return None
    alert = next((alert for alert in tx.stories.alerts([other.id]) if alert.channel == channel), None)
    is_posted = alert is not None and alert.state is model.AlertState.POSTED and not alert.is_gathered
    return model.Nearest(
        story=other.id,
        title=summaries.headline(other, rules, article=alert.headline if alert is not None else None),
        head=alert.head if alert is not None and is_posted else None,
    )


def gathered(
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
        severity=loudest(named),
        reason=first.reason,
        lead=lead,
        briefs=tuple(summaries.brief(stories[decision.story], _of(rules, decision.rules)) for decision in decisions),
    )
    return _row(send_id, send_id, first, message, is_gathered=True)


def pointer(
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
        briefs=(summaries.brief(to, _of(rules, to.rules)),),
    )
    return _row(send_id, message, decision, text)


def loudest(rules: Sequence[model.Rule]) -> model.Severity:
    """Return the highest severity among the rules, or normal if there are none."""
    return max((rule.severity for rule in rules), key=lambda severity: severity.rank, default=model.Severity.NORMAL)


def _of(rules: Mapping[str, model.Rule], names: Sequence[str]) -> dict[str, model.Rule]:
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
    named = _of(rules, names)
    return model.Message(
        kind=kind,
        severity=loudest(list(named.values())),
        reason=decision.reason,
        briefs=(summaries.brief(story, named, headline=headline),),
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
