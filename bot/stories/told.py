"""What is kept of an article to compare it with articles in other languages.

The vector is computed on first use: most articles are never compared with one in another language.
"""

from __future__ import annotations

from array import array

from bot import model

#: What is encoded: the title and what the text says first.
LEAD_CHARS = 300


def beginning(article: model.Article) -> str:
    """The title and what the text says first: enough to tell the language."""
    return ". ".join(filter(None, (article.title, article.text[:LEAD_CHARS])))


class Told:
    """One article as it is compared across languages; its vector is set by whoever first needs it."""

    def __init__(self, article: model.Article, language: str) -> None:
        #: What is encoded.
        self.text = beginning(article)
        self.language = language
        self.vector: array[float] | None = None
