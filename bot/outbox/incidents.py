"""Incidents of channels that the operator should know, and their notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from bot import model, ports
from bot.alerts import notices
from bot.outbox import policy
from bot.ports import keys

log = structlog.get_logger("wirewatch")


class IncidentKind(StrEnum):
    """The kind of an incident of a channel or a message."""

    PARKED = "parked"
    FAILING = "failing"
    DROPPED = "dropped"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident of some channels, reported once, in the transaction that records it."""

    kind: IncidentKind
    channels: tuple[str, ...]
    #: May contain a service's text, so it is untrusted.
    reason: str
    at: datetime
    #: Channels that cannot carry the notice now.
    affected: frozenset[str]
    #: For a dropped message: its row.
    row: model.SendId | None = None


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
    """Return the incident that a step causes, if the operator does not know it yet.

    ``told``: channel -> the reported reason of an open incident.
    """
    names: Sequence[str] = (channel,)
    affected = {*told, *closed, channel}
    match step:
        case policy.ParkChannel(reason=reason) | policy.ParkWorkspace(reason=reason):
            kind, names = IncidentKind.PARKED, [name for name in closed if told.get(name) != reason]
        case policy.Drop(reason=reason, is_loss=True):
            kind = IncidentKind.DROPPED
            # The channel itself works; but a refused notice is not reported by another notice there.
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


class Incidents:
    """The incidents of one sender's channels that are reported and not yet over."""

    def __init__(self, operators: Sequence[str]) -> None:
        """``operators``: the first of these channels that works gets a notice; every incident is logged."""
        self._operators = operators
        #: Channel -> reason.
        self.told: dict[str, str] = {}

    def write(self, tx: ports.Transaction, incident: Incident) -> None:
        """Write the notice, in the transaction that records the incident."""
        for channel in incident.channels:
            if incident.kind is IncidentKind.BACK:
                keys.channel_trouble(channel).put(tx, "")
            elif incident.kind is not IncidentKind.DROPPED:
                keys.channel_trouble(channel).put(tx, incident.reason)
        target = next((name for name in self._operators if name not in incident.affected), None)
        if target is not None:
            tx.outbox.add([notices.row(_notice(incident), channel=target, now=incident.at)])

    def remember(self, incident: Incident) -> None:
        """Note that the incident was reported: its transaction is committed."""
        for channel in incident.channels:
            if incident.kind is IncidentKind.BACK:
                self.told.pop(channel, None)
            elif incident.kind is not IncidentKind.DROPPED:
                self.told[channel] = incident.reason
        report = log.info if incident.kind is IncidentKind.BACK else log.error
        report(f"channel {incident.kind}", channels=list(incident.channels), reason=incident.reason)


def _notice(incident: Incident) -> model.Notice:
    occasion = (incident.kind, *incident.channels, incident.row or "", incident.at.isoformat())
    match incident.kind:
        case IncidentKind.PARKED:
            make_notice = notices.channel_closed
        case IncidentKind.FAILING:
            make_notice = notices.channel_failing
        case IncidentKind.DROPPED:
            make_notice = notices.message_dropped
        case IncidentKind.BACK:
            make_notice = notices.channel_is_back
    return make_notice(incident.channels, incident.reason, occasion=occasion)
