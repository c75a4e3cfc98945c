"""Stories: all coverage of one event gathered, and what is new in it."""

from bot.stories.grouping import Grouping, Opinion, SecondOpinion, Undecided, order, story_id

__all__ = ["Grouping", "Opinion", "SecondOpinion", "Undecided", "order", "story_id"]
