"""What is kept of an article to compare it with articles in other languages.

Vector and days are computed on first use: most articles are never compared with one in another language.
"""

from __future__ import annotations

from array import array
from datetime import date
from functools import cached_property

from bot import model
from bot.language import dates, telling

#: What is encoded and read for days: the title and what the text says first.
LEAD_CHARS = 300


def beginning(article: model.Article) -> str:
    """The title and what the text says first: enough to tell the language."""
    return ". ".join(filter(None, (article.title, article.text[:LEAD_CHARS])))


class Told:
    """One article as it is compared across languages; its vector is set by whoever first needs it."""

    def __init__(self, article: model.Article) -> None:
        self.parts = (article.title, article.text[:LEAD_CHARS])
        #: What is encoded.
        self.text = beginning(article)
        self.day: date = article.when.date()
        self.language = telling.language_of(self.text, article.language)
        self.vector: array[float] | None = None

    @cached_property
    def days(self) -> frozenset[date]:
        """Days of the calendar other than the one of writing."""
        named = [day for part in self.parts for day in dates.days(part, self.day, self.language)]
        return frozenset(day.begins() for day in named if day.day) - {self.day}
