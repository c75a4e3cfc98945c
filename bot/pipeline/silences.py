"""Make and end silences.

Changes are collected in the caller's turn. A post that a silence holds back is recorded as a decision with the
reason `silenced`.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot import notices
from bot.durations import format_duration
from bot.feeds.links import outlet_of
from bot.model import visible
from bot.model.actions import MakeSilence, Silence, SilenceId, SilenceKind, rule_key
from bot.model.errors import CannotSilence
from bot.model.messages import Reply, SendState
from bot.model.stories import StoryId, send_id
from bot.pipeline.rights import ActionContext
from bot.pipeline.turn import Turn
from bot.rules import errors

#: Maximum duration of a silence that is made in a chat.
MAX_CHAT_SILENCE = timedelta(days=7)
#: Maximum length of a name and of a reason, in characters.
MAX_TEXT_LENGTH = 300


def make_silence(context: ActionContext, action: MakeSilence) -> tuple[Silence, bool]:
    """Make a silence that begins now, and notify the operator. Raises CannotAct.

    Return the silence, and whether it is new: if an active silence already covers as much, return that one. A request
    that is delivered twice makes one silence.
    """
    turn = context.turn
    silence = _silence_of(context, action)
    for active in turn.active_silences().active:
        if _covers(active, silence):
            return active, False
    if silence.id in {stored.id for stored in turn.tx.silences.all()}:
        return silence, False
    turn.changes.silences[silence.id] = silence
    _drop_replies(turn, silence)
    turn.notify(notices.silence_made(silence))
    return silence, True


def _silence_of(context: ActionContext, action: MakeSilence) -> Silence:
    turn, channels = context.turn, context.turn.settings.bot.channels
    reason = visible.line(action.reason, MAX_TEXT_LENGTH).strip()
    if not reason and context.alert is not None and context.story is not None:
        reason = f'by button, under "{context.story.title}"'
    if not reason:
        raise CannotSilence("a silence needs a reason, so that others can see why nothing is posted")
    if action.lasts is None and action.kind is not SilenceKind.STORY:
        raise CannotSilence("a silence needs an end; only a silence of a story may have none")
    if action.lasts is not None and action.lasts <= timedelta():
        raise CannotSilence("a silence must end in the future")
    if context.rights is not None and action.lasts is not None and action.lasts > MAX_CHAT_SILENCE:
        limit = format_duration(MAX_CHAT_SILENCE)
        raise CannotSilence(f"a silence from a chat lasts at most {limit}; `wirewatch silence add` makes longer ones")
    for channel in action.channels:
        if channel not in channels:
            advice = errors.help_with_unknown_name(channel, channels)
            raise CannotSilence(f'there is no channel "{channel}"; {advice}')
    return Silence(
        id=SilenceId(send_id("silence", context.once)[:8]),
        at=turn.now,
        by=visible.line(context.author, MAX_TEXT_LENGTH),
        kind=action.kind,
        name=_find_subject(context, action.kind, visible.line(action.name, MAX_TEXT_LENGTH).strip()),
        channels=tuple(sorted(set(action.channels))),
        reason=reason,
        until=None if action.lasts is None else turn.now + action.lasts,
    )


def _find_subject(context: ActionContext, kind: SilenceKind, name: str) -> str:
    """Return the full name of a silence's subject. Raises CannotSilence.

    ``name`` is what people write, or the key that a button carries (see MakeSilence.name).
    """
    turn, alert = context.turn, context.alert
    if alert is not None and kind is SilenceKind.STORY:
        return alert.story
    if alert is not None and context.story is not None:
        keys = {rule_key(rule): rule for rule in alert.rules}
        if kind is SilenceKind.OUTLET:
            keys = {member.article.id: member.article.outlet for member in context.story.members}
        if name not in keys:
            raise CannotSilence("the message no longer names that subject")
        return keys[name]
    if not name:
        raise CannotSilence("a silence needs the name of a rule or an outlet, or the id of a story")
    match kind:
        case SilenceKind.STORY:
            if not turn.tx.stories.get([StoryId(name)]):
                raise CannotSilence(f"there is no story {name}; `wirewatch stories` lists the ids")
            return name
        case SilenceKind.RULE:
            names = [*turn.settings.rule_set.rules]
        case SilenceKind.OUTLET:
            titles = {state.url: state.title for state in turn.tx.feeds.all()}
            names = [outlet_of(feed, titles.get(url)) for url, feed in turn.settings.feeds_by_address.items()]
    matching = errors.find_names(name, dict.fromkeys(names))
    if not matching:
        refused = turn.settings.off if kind is SilenceKind.RULE else ()
        advice = errors.help_with_unknown_name(name, names, refused=refused)
        raise CannotSilence(f'there is no {kind.value} "{name}"; {advice}')
    if len(matching) > 1:
        listed = ", ".join(f'"{other}"' for other in sorted(matching)[:5])
        raise CannotSilence(f'{len(matching)} names contain "{name}": {listed}; write more of the name')
    return matching[0]


def _covers(silence: Silence, other: Silence) -> bool:
    """Return whether a silence includes the subject, the channels and the end of another silence."""
    has_channels = not silence.channels or (other.channels and set(other.channels) <= set(silence.channels))
    is_as_long = silence.until is None or (other.until is not None and other.until <= silence.until)
    return (silence.kind, silence.name) == (other.kind, other.name) and bool(has_channels) and is_as_long


def end_silence(turn: Turn, silence: Silence, *, by: str) -> Silence:
    """End a silence early. A story that it held back is posted only if another article joins. Raises CannotSilence."""
    if not silence.is_active(turn.now):
        raise CannotSilence(f"the silence {silence.id} has already ended")
    ended = replace(silence, ended_at=turn.now, ended_by=visible.line(by, MAX_TEXT_LENGTH))
    turn.changes.silences[ended.id] = ended
    return ended


def _drop_replies(turn: Turn, silence: Silence) -> None:
    """Drop the unsent replies about the subject of a new silence, unless a sender has claimed them."""
    outbox, in_force = turn.tx.outbox, turn.active_silences()
    if silence.kind is SilenceKind.STORY:
        posted = [alert for alert in turn.alerts([StoryId(silence.name)]) if silence.holds_in(alert.channel)]
        # After a merge, the message may have been posted for another story.
        stories = {story for alert in posted for story in (alert.story, alert.posted_for) if story}
        heads = {alert.head for alert in posted}
        rows = [row for story in stories for row in outbox.of_story(story) if row.thread in heads]
    else:
        rows = [
            row
            for row in outbox.unsent((SendState.PENDING,))
            if (why := [why for view in row.message.stories for why in view.why])
            and all(in_force.of_rule(entry.rule, row.channel) for entry in why)
        ]
    replies = [row.id for row in rows if isinstance(row.message, Reply) and row.state is SendState.PENDING]
    turn.drop_rows(replies, f"silenced: {silence.summary}")
