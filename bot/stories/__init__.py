"""Stories: all coverage of one event gathered, and what is new in it."""

from bot.stories.grouping import Grouping, order, story_id

__all__ = ["Grouping", "order", "story_id"]
