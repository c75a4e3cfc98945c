"""The optional language model: its endpoint or answer file, its prompts, and its budget."""

from bot.llm.asker import Asker
from bot.llm.endpoint import open_model

__all__ = ["Asker", "open_model"]
