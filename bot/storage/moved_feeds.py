"""Where feeds have moved to, read without SQLAlchemy: `wirewatch check` beside a database takes half of the time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import model

_LISTED = "SELECT url, due_at, json_extract(state, '$.moved_to') FROM feeds WHERE is_listed ORDER BY url"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moved_feeds(file: Path) -> tuple[model.FeedState, ...]:
    """The listed feeds of an SQLite file, by address; of their states only ``moved_to`` is read.

    Empty where the file cannot be read or is of another version.
    """
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return tuple(
                model.FeedState(url=url, due_at=_EPOCH + timedelta(microseconds=due_at), moved_to=moved_to)
                for url, due_at, moved_to in connection.execute(_LISTED)
            )
    except sqlite3.Error:
        return ()
