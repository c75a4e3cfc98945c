"""The vectors of meaning of matched articles."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select

from bot.model.encoders import Vector
from bot.model.stories import ArticleId
from bot.storage.columns import WANTED, Repository, upsert
from bot.storage.schema import vectors

_GET = select(vectors).where(vectors.c.article.in_(WANTED))
_PUT = upsert([vectors.c.article], ["vector"])


class Vectors(Repository):
    """One vector for each matched article that an encoder has read. All are of the same encoder."""

    def add(self, added: Mapping[ArticleId, Vector]) -> None:
        """Store the vectors of articles."""
        rows = [{"article": article, "vector": array("f", vector).tobytes()} for article, vector in added.items()]
        if rows:
            self._connection.execute(_PUT, rows)

    def get(self, articles: Sequence[ArticleId]) -> Mapping[ArticleId, Vector]:
        """Return article -> its vector. Articles without a vector, or with a damaged one, are omitted."""
        rows = self._rows_in_chunks(_GET, list(articles))

        def is_whole(vector: object) -> bool:
            return isinstance(vector, bytes) and len(vector) % 4 == 0

        return {row.article: array("f", row.vector) for row in rows if is_whole(row.vector)}

    def clear(self) -> None:
        """Delete all vectors, because vectors of two encoders cannot be compared."""
        self._connection.execute(delete(vectors))
