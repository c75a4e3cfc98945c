"""Keeping the database small and safe: what is old is let go, and a copy is made while it runs.

What a feed may still list is never let go: the identity of an article is what keeps it from being told twice.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import BindParameter, Connection, Delete, Update, bindparam, delete, exists, func, select, update

from bot import model, ports
from bot.storage import addresses
from bot.storage.columns import Moment
from bot.storage.failures import unavailable
from bot.storage.ledger import Ledger, is_needed
from bot.storage.schema import (
    UNSENT,
    articles,
    decisions,
    matches,
    members,
    outbox,
    sightings,
    stories,
    tellings,
    versions,
)
from bot.storage.store import SqlStore

#: Rows let go in one transaction, so that the writers behind it wait for some hundredths of a second only.
_BATCH = 500
#: The newest sightings of a feed are kept whatever their age: far more items than a feed document lists. Their dates do
#: not tell whether they are still listed, since items whose bytes are unchanged are not read again.
_SIGHTINGS_KEPT = 2_000

_BEFORE = bindparam("before", type_=Moment)
_MANY: BindParameter[int] = bindparam("many", _BATCH)
_target = stories.alias("target")
_rival = select(
    sightings.c.key,
    sightings.c.seen_at,
    func.row_number().over(partition_by=sightings.c.feed, order_by=sightings.c.seen_at.desc()).label("place"),
).subquery("rival")

_is_told_unsent = exists().where(
    tellings.c.story == stories.c.id, tellings.c.send == outbox.c.id, outbox.c.state.in_(UNSENT)
)
# A day of the ledger is kept whole or let go whole: a story stays while a kept day has a decision about it.
_is_in_ledger = exists().where(decisions.c.story == stories.c.id, is_needed)
_is_in_story = exists().where(members.c.article == articles.c.id)

_OLD_STORIES = delete(stories).where(
    stories.c.id.in_(
        select(stories.c.id)
        .where(
            stories.c.last_seen < _BEFORE,
            ~exists().where(_target.c.id == stories.c.merged_into, _target.c.last_seen >= _BEFORE),
            ~_is_told_unsent,
            ~_is_in_ledger,
        )
        .limit(_MANY)
    )
)
_OLD_MESSAGES = delete(outbox).where(
    outbox.c.seq.in_(
        select(outbox.c.seq)
        .where(
            outbox.c.created_at < _BEFORE,
            outbox.c.state.in_((model.SendState.SENT, model.SendState.DROPPED)),
            ~exists().where(tellings.c.send == outbox.c.id, tellings.c.story == stories.c.id),
        )
        .limit(_MANY)
    )
)
_OLD_TEXTS = (
    update(articles)
    .where(
        articles.c.id.in_(
            select(articles.c.id)
            .where(articles.c.first_seen < _BEFORE, articles.c.has_text, ~_is_in_story)
            .limit(_MANY)
        )
    )
    .values(text="", tags="[]", links="[]", has_text=False, is_full_text=False)
)
_OLD_VERSIONS = delete(versions).where(
    versions.c.article.in_(select(articles.c.id).where(~articles.c.has_text, ~_is_in_story))
)
_OLD_MATCHES = delete(matches).where(
    matches.c.article.in_(select(articles.c.id).where(~articles.c.has_text, ~_is_in_story))
)
_OLD_SIGHTINGS = delete(sightings).where(
    sightings.c.key.in_(
        select(_rival.c.key).where(_rival.c.place > _SIGHTINGS_KEPT, _rival.c.seen_at < _BEFORE).limit(_MANY)
    )
)
_OLD_IDENTITIES = delete(articles).where(
    articles.c.id.in_(
        select(articles.c.id)
        .where(
            articles.c.first_seen < _BEFORE,
            ~articles.c.has_text,
            ~exists().where(sightings.c.article == articles.c.id),
            ~_is_in_story,
        )
        .limit(_MANY)
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """How many were let go."""

    stories: int
    messages: int
    #: Articles of which only the identity is kept.
    texts: int
    #: Articles of which nothing is kept.
    identities: int


async def trim(store: SqlStore, *, before: datetime) -> Trimmed:
    """Let go what ended before: whole days of the ledger but not their seals, whole stories with what was said of them,
    then the texts of articles in no story.

    Nothing unsent is let go. In small transactions; one that is cut off goes on where it was. Raises StoreUnavailable.
    """

    async def drop(statement: Delete | Update) -> int:
        def work(connection: Connection) -> int:
            return connection.execute(statement, {"before": before}).rowcount

        total = 0
        while (count := await store.run(work)) > 0:
            total += count
        return total

    await _drop_days(store, before)
    stories_gone = await drop(_OLD_STORIES)
    messages_gone = await drop(_OLD_MESSAGES)
    texts_gone = await drop(_OLD_TEXTS)
    await drop(_OLD_VERSIONS)
    await drop(_OLD_MATCHES)
    await drop(_OLD_SIGHTINGS)
    return Trimmed(
        stories=stories_gone, messages=messages_gone, texts=texts_gone, identities=await drop(_OLD_IDENTITIES)
    )


async def _drop_days(store: SqlStore, before: datetime) -> None:
    """A day that nobody sealed yet is sealed first: its seal is all that will be left of it."""
    day = before.astimezone(UTC).date()
    while await store.run(lambda connection: Ledger(connection).seal(before=day)) is not None:
        pass
    await store.run(lambda connection: Ledger(connection).close_days(before=day))
    while await store.run(lambda connection: Ledger(connection).drop_rows()) > 0:
        pass


def backup(address: str, target: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """A consistent copy of an SQLite database in one new file, also while the bot runs and writes.

    Blocking. ``progress`` gets pages copied and pages in all. Raises ConfigError, StoreError, StoreUnavailable.
    """
    place = addresses.parse(address)
    if place.file is None:
        raise ports.ConfigError(f"copying the database {place}: only SQLite files; use pg_dump for PostgreSQL")
    if not place.file.is_file():
        raise unavailable(place, "there is none yet; `wirewatch once` or `wirewatch run` makes it")
    if target.exists():
        raise ports.StoreError(f"copying the database to {target}: it exists; name a new file")
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        _copy(place.file, unfinished, progress)
        unfinished.replace(target)
        _settle(target.parent)
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise ports.StoreUnavailable(
            f"copying the database {place} to {target}: {error}; check the space and the rights there"
        ) from error


def _copy(source: Path, target: Path, progress: Callable[[int, int], None] | None) -> None:
    def report(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    with (
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as reading,
        contextlib.closing(sqlite3.connect(target)) as writing,
    ):
        # One read transaction from first page to last: a copy in steps begins anew at each write of another process
        # (sqlite.org/backup.html), and in WAL mode a reader keeps nobody waiting.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=-1, progress=report)
        # One file: no log beside it.
        writing.execute("PRAGMA journal_mode = DELETE")
        found = writing.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged ({found})")
    _settle(target)


def _settle(path: Path) -> None:
    """On the disk, not only on its way there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
