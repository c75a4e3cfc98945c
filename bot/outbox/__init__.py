"""Sends what the outbox holds, over ports only."""

from bot.outbox.incidents import Incident, IncidentKind, OnIncident, tell_operator
from bot.outbox.sender import SETTLE, Drained, OnSent, Sender

__all__ = ["SETTLE", "Drained", "Incident", "IncidentKind", "OnIncident", "OnSent", "Sender", "tell_operator"]
