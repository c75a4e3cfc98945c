"""Stories: all coverage of one event gathered, and what is new in it."""

from bot.stories.grouping import Grouping, order, story_id
from bot.stories.opinions import Opinion, SecondOpinion, Undecided

__all__ = ["Grouping", "Opinion", "SecondOpinion", "Undecided", "order", "story_id"]
