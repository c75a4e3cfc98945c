"""Sends what the outbox holds, over ports only."""

from bot.outbox.sender import SETTLE, Drained, OnSent, Sender
from bot.outbox.trouble import OnTrouble, Trouble, TroubleKind, tell_operator

__all__ = ["SETTLE", "Drained", "OnSent", "OnTrouble", "Sender", "Trouble", "TroubleKind", "tell_operator"]
