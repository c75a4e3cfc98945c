"""What happened to a story, in the order in which it did: reports, decisions, messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot import model
from bot.answers import telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened; exactly one of the three is there."""

    at: datetime
    member: model.Member | None = None
    decision: model.Decision | None = None
    message: model.Outgoing | None = None


def timeline(row: telling.StoryRow) -> list[Moment]:
    """The oldest first; of one time a report before what was decided on it, and that before what was sent."""
    told = [Moment(at=member.article.first_seen, member=member) for member in row.story.members]
    told += [Moment(at=decision.at, decision=decision) for decision in row.decisions]
    told += [
        Moment(at=message.receipt.sent_at if message.receipt else message.created_at, message=message)
        for message in row.messages
    ]
    return sorted(told, key=lambda moment: moment.at)
