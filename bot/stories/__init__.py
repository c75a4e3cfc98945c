"""Stories: all coverage of one event gathered, and what is new in it."""

from bot.stories.grouping import Grouping, order

__all__ = ["Grouping", "order"]
