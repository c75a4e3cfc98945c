"""Claims by reaction where a service must be asked: which messages to ask about, and what their reactions mean.

    escalation waits, was sent, or a reaction's claim stands ──▶ watched ──▶ who reacted? ──▶ a press, or nothing

A press has its name by the person and by how often they have released the story, so one reaction claims once, whoever
asks and however often, also after a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from bot import model, ports
from bot.model import Verdict
from bot.pipeline import duty, feedback
from bot.pipeline.snapshot import Snapshot

#: A story is watched for so long after its first message, the newest ``_MOST`` of a channel.
_LASTS = timedelta(days=1)
_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A message whose reactions are asked for."""

    story: model.StoryId
    channel: str
    receipt: model.Receipt


def watched(
    tx: ports.Transaction, snapshot: Snapshot, channel: str, *, others: Collection[str], now: datetime
) -> Sequence[Watched]:
    """The messages of a channel that a reaction would claim or release now, newest story first.

    ``others``: every channel that there is, since an escalation is of another one's story.
    """
    if snapshot.escalate is None:
        return ()
    places = {channel, *others} if channel == snapshot.escalate.to else {channel}
    posted = [alert for place in places for alert in tx.stories.posted_since(place, now - _LASTS)]
    high = {each.name for each in snapshot.rules.rules.values() if each.severity is model.Severity.HIGH}
    grave = [alert for alert in posted if alert.state is model.AlertState.POSTED and not high.isdisjoint(alert.rules)]
    newest = sorted(grave, key=lambda alert: alert.posted_at or now, reverse=True)
    stories = list(dict.fromkeys(alert.story for alert in newest))[:_MOST]
    alerts: dict[model.StoryId, list[model.Alert]] = {story: [] for story in stories}
    for alert in tx.stories.alerts(stories):
        alerts[alert.story].append(alert)
    return [one for story in stories for one in _of_story(tx, story, alerts[story], channel, now)]


def press_of(
    tx: ports.Transaction, one: Watched, reacted: Sequence[ports.Person], *, now: datetime
) -> ports.Press | None:
    """What the reactions under a message ask for; None: nothing that is not so already.

    ``reacted``: those who may claim and whose reaction is there now.
    """
    there = {person.id for person in reacted}
    said, claims = _said(tx, tx.stories.alerts([one.story]), now)
    if claims:
        claim = _made_here(one, claims, said)
        if claim is None or claim.by in there:
            return None
        return _press(one, claim.by, said, Verdict.UNCLAIMED, name=claim.name)
    known = {each.id for each in said}
    for person in reacted:
        if _judgement(one, person.id, said) not in known:
            return _press(one, person.id, said, Verdict.CLAIMED, name=person.name)
    # Somebody else released it. Once the reaction is gone too, a new one counts.
    for by, name in {each.by: each.name for each in said if each.by not in there}.items():
        if _judgement(one, by, said) in known:
            return _press(one, by, said, Verdict.UNCLAIMED, name=name)
    return None


def _of_story(
    tx: ports.Transaction, story: model.StoryId, alerts: Sequence[model.Alert], channel: str, now: datetime
) -> Iterator[Watched]:
    rows = [row for row in tx.outbox.of_story(story) if row.message.kind is model.MessageKind.POST]
    calls = [row for row in rows if row.message.escalation is not None]
    said, claims = _said(tx, alerts, now)
    may_be_claimed = not claims and any(row.state is not model.SendState.DROPPED for row in calls)
    heads = {alert.head for alert in alerts}
    for row in rows:
        if row.channel != channel or row.receipt is None or (row.id not in heads and row not in calls):
            continue
        one = Watched(story=story, channel=channel, receipt=row.receipt)
        if may_be_claimed or _made_here(one, claims, said):
            yield one


def _said(
    tx: ports.Transaction, alerts: Sequence[model.Alert], now: datetime
) -> tuple[Sequence[model.Judgement], Sequence[model.Judgement]]:
    """What was said of a story in any of its channels, and the claim that stands, as each of them keeps it."""
    said = [tx.judgements.of_story(alert.story, alert.channel) for alert in alerts]
    return [*chain(*said)], duty.claims_in(said, now=now)


def _made_here(
    one: Watched, claims: Sequence[model.Judgement], said: Sequence[model.Judgement]
) -> model.Judgement | None:
    """The claim that a reaction to this message made."""
    return next((claim for claim in claims if claim.id == _judgement(one, claim.by, said)), None)


def _press(one: Watched, by: str, said: Sequence[model.Judgement], verdict: Verdict, *, name: str = "") -> ports.Press:
    at = one.receipt
    released = sum(each.by == by and each.verdict is Verdict.UNCLAIMED for each in said)
    once = model.send_id("reaction", one.channel, at.ref, by, verdict.value, str(released))
    return ports.Press(id=once, by=by, name=name, verdict=verdict, story=one.story, rule="", place=at.place, ref=at.ref)


def _judgement(one: Watched, by: str, said: Sequence[model.Judgement]) -> model.JudgementId:
    """Of the claim that the person's reaction makes, or has made since they last released the story."""
    return feedback.judgement_id(_press(one, by, said, Verdict.CLAIMED).id)
