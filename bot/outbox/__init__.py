"""Send the rows of the outbox."""

from bot.outbox.incidents import Incident, IncidentKind
from bot.outbox.sender import SETTLE, Drained, OnSent, Sender

__all__ = ["SETTLE", "Drained", "Incident", "IncidentKind", "OnSent", "Sender"]
