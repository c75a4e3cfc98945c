"""Define a language model's opinion about the event of one article."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.stories import StoryId

#: An opinion joins an article that matches a rule of severity high only to a story with at least this probability by
#: the article's words. It merges two stories only if both have at least this probability.
BACKED_FROM = 0.5
#: A model that often names the likeliest story although it has less than this probability is unfit.
UNLIKELY_BELOW = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """A language model's answer about the event of one article. It counts only for the stories it was asked about."""

    #: The stories that the question offered.
    asked: frozenset[StoryId]
    #: The stories of ``asked`` whose event the article reports; empty if it reports another event.
    same: tuple[StoryId, ...]
    #: A description for people: the source of the opinion, and its reason.
    detail: str
    #: The stories of ``same`` that a second answer has confirmed.
    confirmed: frozenset[StoryId] = frozenset()
