"""Asks a language model: its endpoint or answer file, and the limits of asking. Knows no story and no channel."""

from bot.llm.asker import Asker
from bot.llm.opening import open_model

__all__ = ["Asker", "open_model"]
