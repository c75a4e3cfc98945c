"""Gather all coverage of one event in a story, and find the news in it."""

from bot.stories.grouping import Grouping, order, story_id
from bot.stories.opinions import Opinion, SecondOpinion, Undecided

__all__ = ["Grouping", "Opinion", "SecondOpinion", "Undecided", "order", "story_id"]
