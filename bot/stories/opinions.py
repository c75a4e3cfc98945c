"""A second opinion on articles that are not certainly of a story: its form, and where grouping asks for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot import model

#: A second opinion is asked where some story is so likely, or lacks the article's language, and none is likelier than
#: the other: an article that joins the wrong story hides its event (bench/quality/desk_grouping.py --oracle; decision
#: record 0048).
ASKED_FROM, ASKED_BELOW = 0.1, 0.97
#: It is asked about at most so many stories that are so likely, and about those that lack the article's language.
ASKED, OFFERED_FROM = 3, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What somebody else says about an article that is not certainly of a story."""

    #: The stories that it belongs to, which are one then; empty: to none of them.
    stories: tuple[model.StoryId, ...]
    #: For people: who says so, and why.
    detail: str


class Undecided(Exception):
    """The opinion is not there yet: the article is joined later, and nothing is decided now."""


#: Asked of an article and the nearest stories, nearest first; None: no opinion. Raises Undecided.
SecondOpinion = Callable[[model.ArticleId, Sequence[model.StoryId]], Opinion | None]
