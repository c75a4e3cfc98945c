"""Carry out people's actions: check the pressed message and the person's rights, write the action, edit the message.

press ──▶ the pressed message ──▶ rights ──▶ apply ──▶ changes of a turn: rows, and an edit of the message ──▶ commit

Everything up to the changes is computed in a read transaction; the commit only writes rows (``carry_out``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, tzinfo
from typing import TypeVar

from msgspec.structs import replace

from bot import alerts, storage
from bot.config.settings import Settings
from bot.durations import format_count
from bot.model.actions import (
    Action,
    EndSilence,
    Judgement,
    MakeSilence,
    Merge,
    Noise,
    Ruling,
    RulingKind,
    ShowMenu,
    ShowWhy,
    Silence,
    SilenceKind,
    Split,
    Useful,
    Verdict,
    rule_key,
)
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.archive import QueueHolder
from bot.model.channels import ActionResult, Press
from bot.model.errors import CannotAct, CannotSilence, StoreUnavailable
from bot.model.messages import Outgoing
from bot.model.stories import ArticleId, JudgementId, Story, StoryId, send_id
from bot.pipeline import messages, silences
from bot.pipeline.rights import ActionContext, person_context, person_rights
from bot.pipeline.turn import Overtaken, Turn
from bot.stories import summaries

T = TypeVar("T")

#: Number of commits in a row that other changes made invalid, after which the store counts as unavailable.
_TRIES = 20
#: Maximum number of words, of articles and of decisions in the answer to "why".
_SHOWN = 6


async def carry_out(store: storage.Store, settings: Settings, act: Callable[[Turn], T], *, now: datetime) -> T:
    """Compute an action in a read transaction, commit its changes, and return its result. Raises StoreUnavailable.

    If anything was decided in between, the commit writes nothing, and the action is computed again. The commit makes
    a turn of deciding that is being computed invalid, because that turn does not include the action.
    """

    def compute(tx: storage.Transaction) -> tuple[QueueHolder, Turn, T]:
        turn = Turn(tx, settings, now)
        return tx.decision_queue.holder(), turn, act(turn)

    for _ in range(_TRIES):
        holder, turn, result = await store.read(compute)
        if turn.changes.are_empty or await _commit(store, turn, holder):
            return result
    raise StoreUnavailable(f"an action was overtaken by decisions {_TRIES} times in a row")


async def _commit(store: storage.Store, turn: Turn, holder: QueueHolder) -> bool:
    def work(tx: storage.Transaction) -> bool:
        if tx.decision_queue.holder() != holder:
            return False
        tx.decision_queue.note_change()
        turn.changes.write(tx)
        return True

    try:
        return await store.write(work)
    except Overtaken:
        return False


def apply_press(turn: Turn, pressed: Press, *, channels: Collection[str]) -> ActionResult:
    """Carry out a button press. ``channels`` are the channels whose button presses the listener receives."""
    target = _pressed(turn, pressed, channels)
    if target is None:
        return ActionResult(
            text="This message is not known yet. Please press again in a minute.", refused="unknown message"
        )
    person, (story, alert) = pressed.person, target
    if alert.channel in person.barred:
        return ActionResult(
            text="Nothing was changed: only people listed by the operator may use the buttons of this channel.",
            refused="the person is not in may_act of the channel",
        )
    if alert.state is AlertState.MERGED:
        return ActionResult(
            text="This story was merged into an earlier one: please press there.", refused="merged story"
        )
    # Only members of a channel see its messages, so the person is a member.
    person = replace(person, member_of=person.member_of | {alert.channel})
    rights = person_rights(person, channels, turn.settings)
    try:
        context = person_context(turn, rights, once=pressed.id)
        return apply_action(replace(context, story=story, alert=alert), pressed.action)
    except CannotAct as error:
        return ActionResult(text=f"Nothing was changed: {error}.", refused=str(error))


def apply_action(context: ActionContext, action: Action) -> ActionResult:
    """Carry out an action: collect its changes in the turn of ``context``. Raises CannotAct."""
    match action:
        case MakeSilence():
            return _silence(context, action)
        case EndSilence():
            return _end_silence(context, action)
    if context.story is None:
        raise CannotAct("this action needs a story; add its id")
    match action:
        case Split():
            return _split(context, action, context.story)
        case Merge():
            ruling = _ruling(context, RulingKind.MERGE, context.story, other=action.other)
            other_stories = [story for story in context.turn.stories([action.other]).values() if story.members]
            headlines = [f'"{summaries.story_headline(story)}"' for story in (context.story, *other_stories)]
            text = f"{' and '.join(headlines)} become one story in a moment."
            return ActionResult(text=text, created=ruling)
    if context.alert is None:
        raise CannotAct("this action needs a posted message")
    match action:
        case Useful() | Noise():
            return _judge(context, action, context.alert)
        case ShowWhy():
            return ActionResult(text="\n".join(_why(context, context.story, context.alert)))
        case ShowMenu():
            return ActionResult(post=messages.current_post(context.turn, context.alert))


def _pressed(turn: Turn, press: Press, channels: Collection[str]) -> tuple[Story, Alert] | None:
    """Return the story whose message was pressed, with its alert, or None if the store does not know the message."""
    story = turn.stories([press.story]).get(press.story)
    if story is None:
        return None
    # If the pressed story was merged, its message may belong to the older story.
    candidates = turn.alerts([story.merged_into or story.id, story.id])
    posted = [alert for alert in candidates if alert.channel in channels and alert.head]
    heads = turn.tx.outbox.get([alert.head for alert in posted if alert.head])
    pressed: Alert | None = None
    for alert in posted:
        rows = [heads[alert.head]] if alert.head and alert.head in heads else []
        if isinstance(press.action, Split):
            # The press may be on a reply in the thread.
            rows += [row for row in turn.tx.outbox.of_story(alert.story) if row.channel == alert.channel]
        places = [(row.receipt.place, row.receipt.ref) for row in rows if row.receipt]
        if (press.place, press.ref) in places and (pressed is None or pressed.state is AlertState.MERGED):
            pressed = alert
    home = turn.stories([pressed.story]).get(pressed.story) if pressed else None
    return (home, pressed) if home and pressed else None


# -- opinions


def _judge(context: ActionContext, action: Useful | Noise, alert: Alert) -> ActionResult:
    verdict = Verdict.USEFUL if isinstance(action, Useful) else Verdict.NOISE
    key = action.rule if isinstance(action, Noise) else ""
    rules = tuple(name for name in alert.rules if key in ("", rule_key(name)))
    if not rules:
        raise CannotAct("this message no longer names that rule")
    named = ", ".join(f'"{rule}"' for rule in rules)
    summary = f"{verdict.value} for {named}"
    feedback = alerts.active_feedback(context.turn.judgements_of(alert.story, alert.channel))
    same = {entry.rule for entry in feedback if entry.by == context.author_id and entry.verdict is verdict}
    assert alert.head is not None
    judgements = [
        Judgement(
            id=JudgementId(send_id("judgement", context.once, rule)),
            at=context.turn.now,
            by=context.author_id,
            channel=alert.channel,
            story=alert.story,
            verdict=verdict,
            rule=rule,
            message=alert.head,
        )
        for rule in rules
        if rule not in same
    ]
    decisions: tuple[Decision, ...] = ()
    if context.turn.add_judgements(judgements):
        records = [
            other
            for other in context.turn.alerts([alert.story])
            if other.state is AlertState.POSTED and context.turn.settings.policy(other.channel).keeps_records
        ]
        detail = f"{summary}, by {context.author}"
        decisions = tuple(_show(context, shown, Reason.JUDGED, detail, rules) for shown in (alert, *records))
    return ActionResult(text=f"{summary[0].upper()}{summary[1:]}.", decisions=decisions)


# -- silences


def _silence(context: ActionContext, action: MakeSilence) -> ActionResult:
    alert, zone = context.alert, context.turn.settings.bot.timezone
    if context.rights is not None:
        is_here = action.is_here and alert is not None
        channels = (alert.channel,) if is_here and alert else context.rights.reach()
        if channels and action.kind is SilenceKind.STORY:
            # The incident or ticket of a story that nobody wants to read about is over.
            channels = (*channels, *context.rights.records)
        action = replace(action, channels=channels)
    silence, is_new = silences.make_silence(context, action)
    shown = _show_silence(context, silence, Reason.SILENCED, f"silenced: {silence.summary}") if is_new else ()
    until = f"until {_time(silence.until, zone)}" if silence.until else "until somebody ends it"
    subject = "this story" if silence.kind is SilenceKind.STORY and alert else silence.subject
    text = f"Nothing is posted about {subject} {silence.place} {until}."
    return ActionResult(text=text, command=f"silence end {silence.id}", decisions=shown, created=silence)


def _end_silence(context: ActionContext, action: EndSilence) -> ActionResult:
    silence_id = action.id.strip().lower()
    silence = next((silence for silence in context.turn.tx.silences.all() if silence.id == silence_id), None)
    if silence is None:
        raise CannotSilence(f"there is no silence {action.id}; `wirewatch silence list` lists the ids")
    if context.rights is not None:
        context.rights.refuse_end(silence)
    ended = silences.end_silence(context.turn, silence, by=context.author)
    summary = f"the silence of {ended.subject} has ended"
    decisions = _show_silence(context, ended, Reason.SILENCE_ENDED, f"{summary}, by {context.author}")
    return ActionResult(text=f"{summary[0].upper()}{summary[1:]}.", decisions=decisions, created=ended)


def _show_silence(context: ActionContext, silence: Silence, reason: Reason, detail: str) -> tuple[Decision, ...]:
    """Edit the pressed message. If a story is silenced, also edit its messages in all channels of the silence."""
    shown = {context.alert.channel: context.alert} if context.alert else {}
    if silence.kind is SilenceKind.STORY and (story := context.turn.story(StoryId(silence.name))):
        for alert in context.turn.alerts([story.id]):
            if alert.state is AlertState.POSTED and silence.holds_in(alert.channel):
                shown.setdefault(alert.channel, alert)
    rules = [silence.name] if silence.kind is SilenceKind.RULE else []
    return tuple(_show(context, alert, reason, detail, rules) for alert in shown.values())


# -- splits and merges


def _split(context: ActionContext, action: Split, story: Story) -> ActionResult:
    if context.rights is not None:
        context.rights.refuse_split()
    leaving = set(action.articles)
    if not leaving or not leaving.issubset(member.article.id for member in story.members):
        raise CannotAct("that article is no longer part of this story")
    if all(leaving & {member.article.id, member.join.copy_of} for member in story.members):
        raise CannotAct("a story must keep at least one article; these are all its articles")
    ruling = _ruling(context, RulingKind.SPLIT, story, articles=action.articles)
    become = "becomes" if len(leaving) == 1 else "become"
    text = f"{format_count(len(leaving), 'article')} {become} a separate story in a moment."
    return ActionResult(text=text, created=ruling)


def _ruling(
    context: ActionContext,
    kind: RulingKind,
    story: Story,
    *,
    articles: tuple[ArticleId, ...] = (),
    other: StoryId | None = None,
) -> Ruling:
    """Add a ruling, which the next turn of deciding carries out."""
    once = send_id("ruling", context.once)
    ruling = Ruling(
        id=once, at=context.turn.now, by=context.author, kind=kind, story=story.id, articles=articles, other=other
    )
    context.turn.changes.rulings.append(ruling)
    return ruling


# -- what people see


def _show(context: ActionContext, alert: Alert, reason: Reason, detail: str, rules: Sequence[str]) -> Decision:
    """Record the decision of an action, and edit the message unless it shows the action already."""
    turn = context.turn
    decision = replace(turn.decision(alert, AlertAction.EDIT, reason, detail), rules=tuple(rules))
    make_row = _edit_row_after_silence if reason is Reason.SILENCE_ENDED else messages.action_edit_row
    row = None if alert.is_gathered else make_row(turn, decision, alert, once=context.once)
    if row is None:
        decision = replace(decision, action=AlertAction.SILENT)
    else:
        turn.post(row)
    turn.decide(decision)
    return decision


def _edit_row_after_silence(turn: Turn, decision: Decision, alert: Alert, *, once: str) -> Outgoing | None:
    """Return an edit that also shows the articles that joined during a silence."""
    row = messages.edit_row(turn, decision, alert, silences=turn.active_silences(), once=once)
    if row and (policy := turn.settings.bot.model):
        # An import at the top would load the prompts, which only a configuration with a model needs.
        from bot.pipeline import ask

        row = ask.with_stored_translation(turn, row, policy)
    return row


def _why(context: ActionContext, story: Story, alert: Alert) -> list[str]:
    """Return lines that explain why a story was posted: its matched words, how its articles joined, and decisions."""
    rules = {name: rule for name in story.rules if (rule := context.turn.rules.get(name))}
    lines = []
    for why in summaries.make_view(story, rules).why:
        if why.rule in alert.rules:
            words = dict.fromkeys(f"{evidence.label} → {evidence.text}" for evidence in why.evidence)
            lines.append(f'Rule "{why.rule}": {", ".join(list(words)[:_SHOWN])}')
    lines += [
        f"{member.article.outlet}: {member.join.reason.value}, {member.join.detail}".rstrip(", ")
        for member in story.members[1:][-_SHOWN:]
    ]
    decisions = [
        decision for decision in context.turn.tx.stories.decisions(story.id) if decision.channel == alert.channel
    ]
    if len(decisions) > _SHOWN:
        lines.append(f"The last {_SHOWN} of {len(decisions)} decisions for this channel:")
    for decision in decisions[-_SHOWN:]:
        detail = f": {decision.detail}" if decision.detail else ""
        when = _time(decision.at, context.turn.settings.bot.timezone)
        lines.append(f"{when} {decision.action.value}, {decision.reason.value}{detail}")
    return lines


def _time(when: datetime, zone: tzinfo) -> str:
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}"
