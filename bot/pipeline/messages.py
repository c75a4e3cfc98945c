"""Make outbox rows from decisions: posts, edits, replies and gathered messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot import alerts
from bot.model.actions import Silence
from bot.model.alerts import Alert, AlertState, Decision, Reason
from bot.model.messages import (
    Mention,
    Message,
    MessageKind,
    Outgoing,
    RelatedStory,
    Sentence,
    StoryBrief,
)
from bot.model.rules import Rule, Severity, highest_severity
from bot.model.stories import ArticleId, Fact, SendId, Story, send_id
from bot.pipeline.turn import Turn
from bot.stories import facts, summaries

#: Maximum stories in one gathered message, because nobody reads longer lists. A service's limits may allow fewer.
STORIES_A_MESSAGE = 20
#: Maximum articles of a story in which its first message looks for changes.
_READ_FOR_CHANGES = 20


# -- the message of a story


def post_row(turn: Turn, decision: Decision) -> Outgoing:
    """Return the first message about a story, or the separate message of a story that a gathered message listed."""
    row_id = send_id("post", decision.story, decision.channel)
    message = _message(turn, MessageKind.POST, decision, decision.rules)
    message = replace(message, related=_related_story(turn, decision), latest=_newest_change(_story(turn, decision)))
    return _with_mentions(turn, _row(row_id, row_id, decision, message))


def edit_row(
    turn: Turn,
    decision: Decision,
    alert: Alert,
    *,
    silences: tuple[Silence, ...] = (),
    added: tuple[ArticleId, ...] = (),
    once: str | None = None,
) -> Outgoing | None:
    """Return an edit with the current text of the thread's first message, or None if there is no message to edit.

    ``added`` are the articles that this edit adds. ``once`` identifies the cause of an edit that no article caused.
    """
    if alert.head is None:
        return None
    named = tuple(dict.fromkeys((*alert.rules, *decision.rules)))
    judged_in = None if turn.settings.policy(alert.channel).keeps_records else alert.channel
    message = replace(
        _message(turn, MessageKind.EDIT, decision, named),
        judgements=alerts.active_feedback(turn.judgements_of(alert.story, judged_in)),
        silences=silences,
        latest=alert.latest,
        related=_related_story(turn, decision),
        added=added,
    )
    return _with_mentions(turn, _row(_edit_id(turn, decision, named, once=once), alert.head, decision, message))


def reply_row(turn: Turn, decision: Decision, alert: Alert) -> Outgoing | None:
    """Return the reply of a decision in the story's thread, or None if the thread has no message yet."""
    if alert.head is None:
        return None
    cause = (
        decision.article or "",
        *decision.rules,
        *(f"{fact.label}: {fact.after}" for fact in decision.facts),
        *(f"{edit.article}{edit.field}{edit.after}" for edit in decision.edits),
    )
    row_id = send_id("reply", decision.story, decision.channel, decision.reason, *cause)
    message = _message(turn, MessageKind.REPLY, decision, decision.rules)
    if alert.is_gathered:
        message = replace(message, title=message.briefs[0].title)
    if decision.reason is Reason.OTHER_EVENT and len(decision.facts) > 1:
        message = replace(message, lead=f"{len(decision.facts)} other reports")
    if decision.reason is Reason.SECOND_RULE:
        name = "Another rule matches" if len(decision.rules) == 1 else "Other rules match"
        message = replace(message, lead=f"{name}: {', '.join(decision.rules)}")
    return _with_mentions(turn, _row(row_id, alert.head, decision, message))


def pointer_row(
    turn: Turn,
    decision: Decision,
    to: Story,
    message: SendId,
    *,
    lead: str,
    title: Sentence | None = None,
) -> Outgoing:
    """Return an edit that turns a message into a pointer to the story ``to``, which now has the message's articles.

    ``message`` is the id of the message's outbox row. ``title`` is the headline that the message keeps.
    """
    row_id = send_id("pointer", message, to.id)
    text = Message(
        kind=MessageKind.EDIT,
        reason=Reason.MERGED,
        lead=lead,
        title=title,
        briefs=(summaries.make_brief(to, _rules_named(turn, to.rules)),),
    )
    return _row(row_id, message, decision, text)


def _newest_change(story: Story) -> Fact | None:
    """Return the newest changed value or denial in a story that gets its first message, such as one that was held."""
    members = [member.article for member in story.members[:_READ_FOR_CHANGES] if member.join.copy_of is None]
    return facts.newest_news(members)


def _related_story(turn: Turn, decision: Decision) -> RelatedStory | None:
    """Return the story that is related to the decision's story, if the channel shows it."""
    other = turn.story(_story(turn, decision).related)
    alert = turn.alert(other.id, decision.channel) if other is not None else None
    if other is None or other.id == decision.story or alert is None or alert.state is not AlertState.POSTED:
        return None
    head = turn.tx.outbox.get([alert.head]).get(alert.head) if alert.head and not alert.is_gathered else None
    return RelatedStory(
        story=other.id,
        title=summaries.message_headline(other, turn.rules, article=alert.headline),
        at=other.first_seen,
        link=head.receipt.link if head is not None and head.receipt is not None else "",
    )


# -- gathered messages


def gathered_rows(
    turn: Turn, decisions: Sequence[Decision], *, lead: str, left_out: tuple[tuple[str, int], ...] = ()
) -> Sequence[tuple[Outgoing, Sequence[Decision]]]:
    """Return messages that list the stories of one channel, each with the decisions about its stories.

    Each message shows all its stories, so their number depends on the limits of the channel's service. The last one
    says how many stories of each rule are ``left_out``.
    """
    parts: list[tuple[Message, Sequence[Decision]]] = []
    while decisions:
        # Measure with the longest lead.
        longest_lead = f"{lead}, part 100 of 100"
        reason = decisions[0].reason
        empty = Message(
            kind=MessageKind.GATHERED, severity=Severity.LOW, reason=reason, lead=longest_lead, left_out=left_out
        )
        message = _list_stories(turn, decisions, empty)
        count = len(message.briefs)
        parts.append((message, decisions[:count]))
        decisions = decisions[count:]
    rows = []
    for number, (message, listed) in enumerate(parts, start=1):
        part_lead = f"{lead}, part {number} of {len(parts)}" if len(parts) > 1 else lead
        row_id = send_id("gathered", listed[0].channel, *(decision.story for decision in listed))
        part = replace(message, lead=part_lead, left_out=left_out if number == len(parts) else ())
        row = _row(row_id, row_id, listed[0], part, is_gathered=True)
        rows.append((_with_mentions(turn, row), listed))
    return rows


def extended_row(turn: Turn, decisions: Sequence[Decision], alert: Alert) -> tuple[Outgoing, Sequence[Decision]] | None:
    """Return an edit that adds stories to the gathered message that lists the story of ``alert``, with their decisions.

    Return None if the message is full or not in the store.
    """
    listed = _stored_gathered_row(turn, alert)
    if listed is None or alert.head is None:
        return None
    old = listed.message
    longer = _list_stories(turn, decisions, old)
    new_briefs = longer.briefs[len(old.briefs) :]
    if not new_briefs:
        return None
    added = tuple(brief.title.article for brief in new_briefs if brief.title.article)
    # The newest story of each severity comes first.
    briefs = tuple(sorted((*new_briefs, *old.briefs), key=_rank, reverse=True))
    message = replace(longer, kind=MessageKind.EDIT, reason=decisions[0].reason, briefs=briefs, added=added)
    decisions = decisions[: len(new_briefs)]
    row_id = send_id("edit", alert.head, *(decision.story for decision in decisions))
    row = _row(row_id, alert.head, decisions[0], message, is_gathered=True)
    return _with_mentions(turn, row), decisions


def _list_stories(turn: Turn, decisions: Sequence[Decision], message: Message) -> Message:
    """Return the message with further stories: as many of the decisions' stories as the channel can show.

    A message without stories gets at least one.
    """
    shows_all_stories = turn.settings.policy(decisions[0].channel).shows_all_stories
    # Measure with the links to the page, which the message will have.
    message = replace(message, public_url=turn.settings.bot.public_url)
    for decision in decisions[: max(0, STORIES_A_MESSAGE - len(message.briefs))]:
        rules = _rules_named(turn, decision.rules)
        longer = replace(
            message,
            severity=max(message.severity, highest_severity(rules.values()), key=lambda severity: severity.rank),
            briefs=(*message.briefs, _listed_brief(_story(turn, decision), rules)),
        )
        if message.briefs and not shows_all_stories(longer):
            break
        message = longer
    return message


def _listed_brief(story: Story, rules: Mapping[str, Rule]) -> StoryBrief:
    return replace(summaries.make_brief(story, rules), latest=_newest_change(story))


def gathered_edit_row(
    turn: Turn,
    decision: Decision,
    alert: Alert,
    *,
    added: tuple[ArticleId, ...] = (),
    once: str | None = None,
) -> Outgoing | None:
    """Return an edit of the gathered message that lists the story, with the current state of all its stories.

    Return None if the gathered message is not in the store.
    """
    listed = _stored_gathered_row(turn, alert)
    if listed is None or alert.head is None:
        return None
    old_briefs = listed.message.briefs
    briefs = tuple(_current_brief(turn, brief, decision.channel) for brief in old_briefs)
    message = replace(listed.message, kind=MessageKind.EDIT, reason=decision.reason, briefs=briefs, added=added)
    if not turn.settings.policy(decision.channel).shows_all_stories(message):
        # A corrected headline is longer than the posted one and would push out another story.
        briefs = tuple(replace(new, title=old.title) for new, old in zip(briefs, old_briefs, strict=True))
        message = replace(message, briefs=briefs)
    row_id = _edit_id(turn, decision, decision.rules, once=once)
    return _with_mentions(turn, _row(row_id, alert.head, decision, message, is_gathered=True))


def _current_brief(turn: Turn, brief: StoryBrief, channel: str) -> StoryBrief:
    """Return an updated brief of a listed story, or the same brief if the story is not in the store."""
    story = turn.story(brief.story)
    if story is None:
        return brief
    alert = turn.alert(brief.story, channel)
    named = _rules_named(turn, alert.rules if alert else ())
    # Keep the id of a merged story, because the message's menu and headline refer to it.
    latest = alert.latest if alert and alert.latest else brief.latest
    return replace(summaries.make_brief(story, named, headline=brief.title.article), story=brief.story, latest=latest)


def _stored_gathered_row(turn: Turn, alert: Alert) -> Outgoing | None:
    """Return the newest version of the gathered message that lists the story of ``alert``."""
    # A brief is a report of its time, so it is not edited.
    if alert.head is None or alert.reason is Reason.BRIEF:
        return None
    own = [row for row in turn.rows if row.thread == alert.head and row.message.is_gathered]
    return own[-1] if own else turn.tx.outbox.newest_gathered(alert.story, alert.head)


def _rank(brief: StoryBrief) -> int:
    return max((why.severity.rank for why in brief.why), default=0)


# -- parts


def _story(turn: Turn, decision: Decision) -> Story:
    return turn.stories([decision.story])[decision.story]


def _rules_named(turn: Turn, names: Iterable[str]) -> dict[str, Rule]:
    return {name: turn.rules[name] for name in names if name in turn.rules}


def _message(turn: Turn, kind: MessageKind, decision: Decision, rules: Sequence[str]) -> Message:
    named = _rules_named(turn, rules)
    alert = turn.alert(decision.story, decision.channel)
    headline = alert.headline if alert else None
    return Message(
        kind=kind,
        severity=highest_severity(named.values()),
        reason=decision.reason,
        briefs=(summaries.make_brief(_story(turn, decision), named, headline=headline),),
        facts=decision.facts,
        edits=decision.edits,
    )


def _edit_id(turn: Turn, decision: Decision, rules: Sequence[str], *, once: str | None) -> SendId:
    if once is not None:
        return send_id("edit", decision.story, decision.channel, "judged", once)
    story = _story(turn, decision)
    versions = sum(member.article.version for member in story.members)
    state = f"{len(story.members)}.{versions}.{story.members[-1].article.id}"
    return send_id("edit", decision.story, decision.channel, state, *rules)


def _row(
    row_id: SendId,
    thread: SendId,
    decision: Decision,
    message: Message,
    *,
    is_gathered: bool = False,
) -> Outgoing:
    return Outgoing(
        id=row_id,
        channel=decision.channel,
        thread=thread,
        message=message,
        story=None if is_gathered else decision.story,
        created_at=decision.at,
        due_at=decision.until or decision.at,
    )


def _with_mentions(turn: Turn, row: Outgoing) -> Outgoing:
    """Return the row with the address of the web page. A story's message also gets its rules' mentions and its picture.

    A rule's ``mention`` overrides the mentions of its severity.
    """
    settings = turn.settings
    message = replace(row.message, public_url=settings.bot.public_url)
    if message.kind not in (MessageKind.POST, MessageKind.EDIT) or row.story is None or message.is_gathered:
        return replace(row, message=message)
    if settings.policy(row.channel).shows_pictures:
        message = replace(message, picture=message.briefs[0].picture)
    named = _rules_named(turn, [why.rule for brief in message.briefs for why in brief.why]).values()
    names = [name for rule in named for name in rule.mention or settings.bot.mention.get(rule.severity, ())]
    ids = settings.people(row.channel)
    mentions = tuple(Mention(name=name, id=ids.get(name, "")) for name in dict.fromkeys(names))
    return replace(row, message=replace(message, mentions=mentions))
