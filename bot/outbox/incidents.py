"""What the operator should hear of a channel, and how it is put.

Told once, in the transaction that records it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from bot import model, ports
from bot.alerts import notices
from bot.outbox import policy


class IncidentKind(StrEnum):
    PARKED = "parked"
    FAILING = "failing"
    DROPPED = "dropped"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What the operator should hear of a channel: told once, in the transaction that records it."""

    kind: IncidentKind
    channels: tuple[str, ...]
    #: Not ours: may hold a channel's own words.
    reason: str
    at: datetime
    #: Channels that cannot carry the notice now.
    affected: frozenset[str]
    #: Of a dropped message: its row.
    row: model.SendId | None = None


OnIncident: TypeAlias = Callable[[ports.Transaction, Incident], None]


def news_of(
    step: policy.Step,
    *,
    channel: str,
    row: model.Outgoing,
    told: Mapping[str, str],
    closed: Sequence[str],
    lane: policy.Lane,
    now: datetime,
) -> tuple[Incident, ...]:
    """What the operator does not know yet. ``told``: channel -> what was told of it and not taken back."""
    names: Sequence[str] = (channel,)
    affected = {*told, *closed, channel}
    match step:
        case policy.ParkChannel(reason=reason) | policy.ParkWorkspace(reason=reason):
            kind, names = IncidentKind.PARKED, [name for name in closed if told.get(name) != reason]
        case policy.Drop(reason=reason, is_loss=True):
            kind = IncidentKind.DROPPED
            # The channel itself works; but a refused notice is not told by a notice there.
            if channel not in told and row.message.kind is not model.MessageKind.NOTICE:
                affected.discard(channel)
        case policy.Sent() if channel in told:
            kind, reason = IncidentKind.BACK, told[channel]
            affected.discard(channel)
        case policy.RetryAt(reason=reason) | policy.LookFirst(reason=reason):
            kind = IncidentKind.FAILING
            names = names if channel not in told and policy.is_worth_telling(lane, now=now) else ()
        case _:
            return ()
    if not names:
        return ()
    news = Incident(kind=kind, channels=tuple(names), reason=reason, at=now, affected=frozenset(affected), row=row.id)
    return (news,)


def tell_operator(names: Sequence[str]) -> OnIncident:
    """Trouble becomes a notice in the first of these channels that can carry it; the log has it in any case."""

    def tell(tx: ports.Transaction, incident: Incident) -> None:
        target = next((name for name in names if name not in incident.affected), None)
        if target is None:
            return
        tx.outbox.add([notices.row(_notice(incident), channel=target, now=incident.at)])

    return tell


def _notice(incident: Incident) -> model.Notice:
    occasion = (incident.kind, *incident.channels, incident.row or "", incident.at.isoformat())
    match incident.kind:
        case IncidentKind.PARKED:
            put = notices.channel_closed
        case IncidentKind.FAILING:
            put = notices.channel_failing
        case IncidentKind.DROPPED:
            put = notices.message_dropped
        case IncidentKind.BACK:
            put = notices.channel_is_back
    return put(incident.channels, incident.reason, occasion=occasion)
