"""Stories: all coverage of one event gathered, and what is new in it."""

from bot.stories.grouping import Grouping, order
from bot.stories.owners import owner_of

__all__ = ["Grouping", "order", "owner_of"]
