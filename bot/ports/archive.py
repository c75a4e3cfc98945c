"""The archive: articles, the feeds that carry them, their versions and matches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot import model
from bot.ports.stored import DayCount, Known, Question, Sighting


class Articles(Protocol):
    """Articles, the feeds that carry them, their versions and matches."""

    def known(self, questions: Sequence[Question]) -> Sequence[Known]:
        """One answer a question, in their order. Asked together they cost a fraction."""

    def add(self, articles: Sequence[model.Article], *, has_text: bool = True) -> None:
        """New articles; an id that exists is left as it is."""

    def are_rivalled(self, articles: Sequence[model.Article], *, beside: Sequence[model.Article] = ()) -> bool:
        """Whether another worker has added an article of the same link or text within the last minutes.

        What was computed before about their identity may then be wrong. ``beside``: what was computed with them.
        """

    def forget_fresh(self, *, before: datetime) -> None:
        """Delete what guards new articles against being added twice at once; minutes are enough."""

    def see(self, sightings: Sequence[Sighting], *, at: datetime) -> None:
        """A feed carries an article (again or under a new id)."""

    def revise(self, article: model.Article) -> None:
        """Store a new version; the old one is kept in the versions table."""

    def correct_owners(self, owner_of: Callable[[str, str], str | None], *, since: datetime) -> int:
        """Rewrite the owners of articles in stories that moved since, where ``owner_of`` (feed, link) says another.

        Returns how many were another; None of ``owner_of``: the owner stays.
        """

    def add_matches(self, article: model.ArticleId, matches: Sequence[model.Match]) -> None:
        """Store that rules match the article; a rule that is stored already is left as it is."""

    def drop_matches(self, article: model.ArticleId, rules: Sequence[str]) -> None:
        """The article is not what these rules are about."""

    def get(self, ids: Sequence[model.ArticleId]) -> Mapping[model.ArticleId, model.Article]:
        """Id -> article; unknown ids are left out."""

    def find(self, link: str) -> model.Article | None:
        """By a canonical link, in any of its forms."""

    def matches(self, article: model.ArticleId) -> Sequence[model.Match]:
        """The matches of an article, by rule."""

    def archive(self, *, since: datetime) -> Iterator[model.Article]:
        """Articles with text, first seen since, oldest first; streamed."""

    def count(self, *, since: datetime | None = None) -> int:
        """How many articles were first seen since; None: of all times."""

    def last_of_feed(self, feed: str, *, since: datetime, most: int) -> Sequence[model.Article]:
        """Its articles with text that were first seen since, the newest first."""

    def new_by_day(self, *, since: datetime) -> Sequence[DayCount]:
        """Articles of each feed by the day on which they were first seen; days without any are left out."""

    def matched_by_day(self, *, since: datetime) -> Sequence[DayCount]:
        """The same of each rule: articles that it matched."""
