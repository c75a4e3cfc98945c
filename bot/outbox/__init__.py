"""Sends what the outbox holds, over ports only."""

from bot.outbox.incidents import OnTrouble, Trouble, TroubleKind, tell_operator
from bot.outbox.sender import SETTLE, Drained, OnSent, Sender

__all__ = ["SETTLE", "Drained", "OnSent", "OnTrouble", "Sender", "Trouble", "TroubleKind", "tell_operator"]
