"""The timeline of a story: each article once, with what the bot decided and sent because of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.alerts import AlertAction, Decision
from bot.model.messages import Outgoing
from bot.model.stories import Member
from bot.queries.stories import StoryRow

DONE = {
    AlertAction.POST: "posted",
    AlertAction.EDIT: "edited",
    AlertAction.REPLY: "replied",
    AlertAction.HOLD: "held",
    AlertAction.SILENT: "not posted",
}


@dataclass(slots=True)
class Step:
    """A decision, made alike for one or more channels, and the messages that carried it out. Shown as one line."""

    decision: Decision | None
    channels: list[str] = field(default_factory=list)
    messages: list[Outgoing] = field(default_factory=list)


@dataclass(slots=True)
class Moment:
    """One event of a story: an article, or a decision or message that no article caused."""

    at: datetime
    member: Member | None = None
    steps: list[Step] = field(default_factory=list)


def build_timeline(row: StoryRow) -> list[Moment]:
    """Return the events of a story, oldest first."""
    by_article = {
        member.article.id: Moment(at=member.article.first_seen, member=member) for member in row.story.members
    }
    moments = list(by_article.values())
    steps: defaultdict[int, dict[tuple[object, ...], Step]] = defaultdict(dict)
    #: Channel and time -> the last step of that time, which the message of that time carries out.
    carried_out: dict[tuple[str, datetime], Step] = {}
    timed: dict[datetime, Moment] = {}
    for decision in row.decisions:
        moment = by_article.get(decision.article) if decision.article is not None else None
        if moment is None:
            moment = timed.get(decision.at)
        if moment is None:
            moment = timed[decision.at] = Moment(at=decision.at)
            moments.append(moment)
        alike = (decision.action, decision.reason, decision.detail, decision.facts, decision.edits)
        step = steps[id(moment)].get(alike)
        if step is None:
            step = steps[id(moment)][alike] = Step(decision)
            moment.steps.append(step)
        step.channels.append(decision.channel)
        carried_out[decision.channel, decision.at] = step
    for message in row.messages:
        step = carried_out.get((message.channel, message.created_at))
        if step is None:
            step = Step(None, [message.channel])
            at = message.receipt.sent_at if message.receipt else message.created_at
            moments.append(Moment(at=at, steps=[step]))
        step.messages.append(message)
    return sorted(moments, key=lambda moment: moment.at)
