"""What happens when a reader presses a button: the judgement is kept, and silences what it is to silence.

    press ──▶ known message? known rule? ──▶ judgement ──▶ mute, snooze ──▶ a decision with its reason
                                                                        └─▶ the message, edited to show it

Works inside the transaction that it is given. All that a press says is checked here against what was sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot import alerts, model, ports
from bot.model import Verdict
from bot.pipeline import duty, mentions, messages, rulings, silences, verdict_words
from bot.pipeline.snapshot import Snapshot

_REASONS: Mapping[Verdict, model.Reason] = {
    Verdict.USEFUL: model.Reason.JUDGED,
    Verdict.NOISE: model.Reason.JUDGED,
    Verdict.MUTED: model.Reason.MUTED,
    Verdict.UNMUTED: model.Reason.UNMUTED,
    Verdict.SNOOZED: model.Reason.SNOOZED,
    Verdict.WOKEN: model.Reason.WOKEN,
    Verdict.CLAIMED: model.Reason.CLAIMED,
    Verdict.UNCLAIMED: model.Reason.UNCLAIMED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of a press."""

    #: For the person; may hold a rule's name.
    answer: str
    decisions: tuple[model.Decision, ...] = ()
    #: Why it was not taken; None: it was, now or before.
    refused: str | None = None


def judge(
    tx: ports.Transaction, snapshot: Snapshot, press: ports.Press, *, channels: Collection[str], now: datetime
) -> Judged:
    """Keep a press and do what it asks for. ``channels``: those that the listener listens for."""
    found = _pressed(tx, press, channels)
    alert, channel = found or (None, "")
    story = tx.stories.get([alert.story]).get(alert.story) if alert else None
    if story is None or alert is None:
        return Judged(
            answer="I do not know this message yet. Please press again in a minute.", refused="unknown message"
        )
    if channel in press.barred:
        return Judged(
            answer="Nothing was changed: the buttons of this channel are for those whom its operator named.",
            refused="the person is not in may_act of the channel",
        )
    if alert.state is model.AlertState.MERGED:
        return Judged(
            answer="This story was merged into an earlier one: please use the buttons there.", refused="merged story"
        )
    if press.verdict is Verdict.OTHER_EVENT:
        return _ruled(tx, press, story, now)
    if press.verdict is Verdict.SILENCED:
        return _silenced(tx, snapshot, press, alert, story, now)
    if press.verdict.is_of_claim:
        (judged, *_) = _kept_everywhere(tx, snapshot, press, story, now, first=alert)
        return judged
    return _keep(tx, snapshot, press, alert, story, now)


def claim(
    tx: ports.Transaction, snapshot: Snapshot, story_id: model.StoryId, *, by: str, verdict: Verdict, now: datetime
) -> Sequence[Judged]:
    """Claim a story, or release it, in every channel that has posted it: from a place that is not a channel.

    Empty: there is no such story, or no channel has posted it.
    """
    story = rulings.living(tx, story_id)
    if story is None:
        return ()
    once = model.send_id("claim", story.id, by, verdict.value, now.isoformat())
    press = ports.Press(id=once, by=by, verdict=verdict, story=story.id, rule="", place="", ref="")
    return _kept_everywhere(tx, snapshot, press, story, now)


def _kept_everywhere(
    tx: ports.Transaction,
    snapshot: Snapshot,
    press: ports.Press,
    story: model.Story,
    now: datetime,
    *,
    first: model.Alert | None = None,
) -> Sequence[Judged]:
    """A story is claimed once: each channel that has posted it shows that. ``first``: whose message was pressed."""
    kept = [] if first is None else [_keep(tx, snapshot, press, first, story, now)]
    for each in tx.stories.alerts([story.id]):
        if each.state is model.AlertState.POSTED and each.head and (first is None or each.channel != first.channel):
            named = replace(press, id=model.send_id(press.id, each.channel))
            kept.append(_keep(tx, snapshot, named, each, story, now))
    return kept


def _keep(
    tx: ports.Transaction,
    snapshot: Snapshot,
    press: ports.Press,
    alert: model.Alert,
    story: model.Story,
    now: datetime,
) -> Judged:
    """Keep what a person says of a story in a channel, and do what it asks for."""
    press = _turned(tx, press, alert, now)
    rules = _meant(press, alert)
    if not rules:
        return Judged(answer="This message no longer names that rule.", refused="unknown rule")
    judgements = tx.judgements.add([_judgement(press, alert, rule, now) for rule in rules])
    if not judgements:
        return Judged(answer=verdict_words.answer(press.verdict, rules, now, snapshot.zone))
    # What is being decided at this moment was computed without this word.
    tx.decision_queue.note_change()
    alert = _silence(tx, snapshot, press, alert, rules, now)
    if press.verdict is Verdict.UNCLAIMED:
        duty.call_again(tx, alert, story, snapshot, once=press.id, now=now)
    decision = _decision(press, alert, rules, now)
    tx.stories.decide([decision])
    if decision.action is model.Action.EDIT:
        said = alerts.active_feedback(tx.judgements.of_story(story.id, alert.channel), now=now)
        rules_of = snapshot.rules.rules
        near = messages.nearest(tx, story, alert.channel, rules_of)
        row = messages.edit(decision, story, rules_of, alert, judgements=said, nearest=near, once=press.id)
        if row and (policy := snapshot.language_model):
            # Costs start-up: the prompts, which only a configuration with a model needs.
            from bot.pipeline import rewording

            to = snapshot.policies.get(row.channel, model.SpeakPolicy()).translate
            row = rewording.worded(row, story, rewording.stored(tx, by=policy.name), policy=policy, to=to)
        tx.outbox.add([mentions.called(row, snapshot)] if row else [])
        tx.outbox.add(list(duty.edits(tx, alert, said, once=press.id, now=now)))
    return Judged(answer=verdict_words.answer(press.verdict, rules, now, snapshot.zone), decisions=(decision,))


def _pressed(tx: ports.Transaction, press: ports.Press, channels: Collection[str]) -> tuple[model.Alert, str] | None:
    """The alert whose message was pressed, the very one that we sent, and the channel in which that was."""
    pressed = tx.stories.get([press.story]).get(press.story)
    if pressed is None:
        return None
    # A story that turned out to be an older one may have given it its message.
    known = tx.stories.alerts([pressed.merged_into or pressed.id, pressed.id])
    here = [alert for alert in known if alert.channel in channels and alert.head]
    heads = tx.outbox.get([alert.head for alert in here if alert.head])
    found = None
    for alert in here:
        rows = [heads[alert.head]] if alert.head and alert.head in heads else []
        if press.verdict is Verdict.OTHER_EVENT:
            # A reply in its thread may be meant.
            rows += [row for row in tx.outbox.of_story(alert.story) if row.channel == alert.channel]
        places = [(row.receipt.place, row.receipt.ref) for row in rows if row.receipt]
        if (press.place, press.ref) in places and (found is None or found.state is model.AlertState.MERGED):
            found = alert
    return (found, found.channel) if found else duty.pressed(tx, known, channels, press.place, press.ref)


def _ruled(tx: ports.Transaction, press: ports.Press, story: model.Story, now: datetime) -> Judged:
    """An article tells another event: carried out at the next turn of deciding."""
    named = {press.article}
    left = [each for each in story.members if each.article.id not in named and each.join.copy_of not in named]
    if press.article is None or len(left) == len(story.members):
        return Judged(answer="That article is no longer part of this story.", refused="unknown article")
    if not left:
        return Judged(answer="It is the only article of this story.", refused="only article")
    tx.rulings.add(
        model.Ruling(
            id=model.send_id("ruling", press.id),
            at=now,
            by=press.author,
            kind=model.RulingKind.SPLIT,
            story=story.id,
            articles=(press.article,),
        )
    )
    return Judged(answer="That article leaves this story and is told as one of its own, in a moment.")


def _silenced(
    tx: ports.Transaction,
    snapshot: Snapshot,
    press: ports.Press,
    alert: model.Alert,
    story: model.Story,
    now: datetime,
) -> Judged:
    """A silence of a day, in every channel, of what the message named."""
    try:
        made = silences.by_button(tx, press, alert, story, known_rules=snapshot.rules.rules, now=now)
    except ports.CannotSilence as error:
        return Judged(answer=f"Nothing was changed: {error}.", refused="not to be silenced")
    what, until = f'{made.kind.value} "{made.name}"', verdict_words.time(made.until, snapshot.zone)
    return Judged(
        answer=f"The {what} is silenced in every channel until {until}; `wirewatch silence end {made.id}` ends that."
    )


def _turned(tx: ports.Transaction, press: ports.Press, alert: model.Alert, now: datetime) -> ports.Press:
    """The other way round where what is asked for holds already, and the message could not show it."""
    if press.takes_back and press.verdict is Verdict.MUTED and alert.is_muted:
        return replace(press, verdict=Verdict.UNMUTED)
    if press.takes_back and press.verdict is Verdict.SNOOZED:
        snoozed = tx.judgements.snoozes(now)
        if any((alert.channel, rule) in snoozed for rule in _meant(press, alert)):
            return replace(press, verdict=Verdict.WOKEN)
    return press


def _meant(press: ports.Press, alert: model.Alert) -> tuple[str, ...]:
    """Names of the rules that are judged; of a verdict on the story one without a name."""
    if not press.verdict.is_of_rule:
        return ("",)
    if not press.rule:
        return alert.rules
    return tuple(name for name in alert.rules if model.rule_key(name) == press.rule)


def judgement_id(press: str, rule: str = "") -> model.JudgementId:
    """Of what a press says of a rule, or of the story."""
    return model.JudgementId(model.send_id("judgement", press, rule))


def _judgement(press: ports.Press, alert: model.Alert, rule: str, now: datetime) -> model.Judgement:
    assert alert.head is not None
    return model.Judgement(
        id=judgement_id(press.id, rule),
        at=now,
        by=press.by,
        name=press.name,
        channel=alert.channel,
        story=alert.story,
        verdict=press.verdict,
        rule=rule,
        message=alert.head,
        until=now + model.SNOOZE if press.verdict is Verdict.SNOOZED else None,
    )


def _silence(
    tx: ports.Transaction,
    snapshot: Snapshot,
    press: ports.Press,
    alert: model.Alert,
    rules: Sequence[str],
    now: datetime,
) -> model.Alert:
    """Do what the verdict asks for; gives the alert as it is then."""
    match press.verdict:
        case Verdict.MUTED | Verdict.UNMUTED:
            alert = replace(alert, is_muted=press.verdict is Verdict.MUTED)
            tx.stories.save_alert(alert)
            if alert.is_muted:
                _take_back(tx, alert, f"muted by {press.author}", now)
                duty.call_off(tx, alert, f"muted by {press.author}", now=now)
        case Verdict.CLAIMED:
            duty.call_off(tx, alert, f"claimed by {press.author}", now=now)
        case Verdict.SNOOZED:
            _put_off_replies(tx, snapshot, alert.channel, rules, now)
        case Verdict.WOKEN:
            _put_off_replies(tx, snapshot, alert.channel, rules, now)
            _release(tx, alert.channel, rules, now)
        case Verdict.USEFUL | Verdict.NOISE | Verdict.UNCLAIMED:
            pass
    return alert


def _take_back(tx: ports.Transaction, alert: model.Alert, reason: str, now: datetime) -> None:
    """What was decided before the mute and has not left."""
    rows = [row for row in tx.outbox.of_story(alert.story) if row.channel == alert.channel and row.id != alert.head]
    tx.outbox.drop([row.id for row in rows if row.thread == alert.head and row.story == alert.story], reason, now=now)


def _put_off_replies(
    tx: ports.Transaction, snapshot: Snapshot, channel: str, rules: Sequence[str], now: datetime
) -> None:
    """Replies of these rules that still wait leave when all that they speak for is awake and no hour is quiet."""
    snoozed = {rule: until for (place, rule), until in tx.judgements.snoozes(now).items() if place == channel}
    policy = snapshot.policies.get(channel, model.SpeakPolicy())
    for row in tx.outbox.unsent():
        is_waiting = row.state is model.SendState.PENDING and row.message.kind is model.MessageKind.REPLY
        named = {why.rule for brief in row.message.briefs for why in brief.why}
        if row.channel != channel or not is_waiting or named.isdisjoint(rules):
            continue
        ends = [snoozed[rule] for rule in named if rule in snoozed]
        until = min(ends) if len(ends) == len(named) else now
        found = [rule for name in named if (rule := snapshot.rules.rules.get(name))]
        digests = [digest for rule in found if (digest := rule.digest or policy.digest)]
        if len(digests) == len(named):
            until = max(until, min(alerts.next_digest(digest, now) for digest in digests))
        if row.message.severity is not model.Severity.HIGH:
            until = max(until, alerts.quiet_until(policy.quiet, now) or now)
        tx.outbox.put_off([row.id], until)


def _release(tx: ports.Transaction, channel: str, rules: Sequence[str], now: datetime) -> None:
    """What the snooze held is decided again at the next tick, and gathered as at its end."""
    for held in tx.stories.held_until(now + model.SNOOZE):
        is_its_own = held.channel == channel and held.reason is model.Reason.SNOOZED
        if is_its_own and not set(held.rules).isdisjoint(rules):
            tx.stories.save_alert(replace(held, held_until=now))


def _decision(press: ports.Press, alert: model.Alert, rules: Sequence[str], now: datetime) -> model.Decision:
    return model.Decision(
        at=now,
        story=alert.story,
        channel=alert.channel,
        action=model.Action.SILENT if alert.is_gathered else model.Action.EDIT,
        reason=_REASONS[press.verdict],
        rules=tuple(rule for rule in rules if rule),
        detail=f"{verdict_words.what(press.verdict, rules, now, UTC)}, says {press.author}",
    )
