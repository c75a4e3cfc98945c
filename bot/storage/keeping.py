"""Delete old rows from the database, and make backups."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Delete,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    select,
    type_coerce,
    update,
)

from bot.feeds import polling
from bot.model.errors import ConfigError, StoreError, StoreUnavailable
from bot.storage import connections, files
from bot.storage.articles import RENEWED_AFTER, WITHOUT_TEXT
from bot.storage.columns import WANTED, HashBytes, Timestamp
from bot.storage.connections import unavailable
from bot.storage.schema import (
    UNSENT,
    articles,
    completions,
    decisions,
    feeds,
    matches,
    members,
    outbox,
    outside_reports,
    sightings,
    stories,
    story_messages,
    surges,
    versions,
    volume,
)
from bot.storage.store import Store, Transaction

#: Maximum rows deleted in one transaction, so that other writers wait only a few hundredths of a second.
_BATCH = 500
#: Maximum rows returned by one query for old rows, which scans the whole table.
_LOOK = 100_000
#: How long an item that is missing from its feed stays known, in case it returns. Of 20,200 items in twelve real feeds,
#: 324 returned during the 41 recorded days: 99 % of them within 18 days, and the last after 30 days.
AWAY = timedelta(days=60)
#: A feed may have listed an item this much later than its sighting shows, because unchanged items are rarely recorded.
_INEXACT = polling.NAMED_EVERY + RENEWED_AFTER

_BEFORE = bindparam("before", type_=Timestamp)
_target = stories.alias("target")

_is_in_unsent_message = exists().where(
    story_messages.c.story == stories.c.id, story_messages.c.send == outbox.c.id, outbox.c.state.in_(UNSENT)
)
# Keep a story with a decision after the limit: its decisions are deleted together.
_has_kept_decision = exists().where(decisions.c.story == stories.c.id, decisions.c.at >= _BEFORE)
_is_in_story = exists().where(members.c.article == articles.c.id)


def _some(key: Column[Any], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition that selects at most ``_BATCH`` rows with these conditions. ``key`` identifies a row."""
    return key.in_(select(key).where(*conditions).limit(_BATCH))


_OLD_STORIES = delete(stories).where(
    _some(
        stories.c.id,
        stories.c.last_seen < _BEFORE,
        ~exists().where(_target.c.id == stories.c.merged_into, _target.c.last_seen >= _BEFORE),
        ~_is_in_unsent_message,
        ~_has_kept_decision,
    )
)
_OLD_MESSAGES = delete(outbox).where(
    _some(
        outbox.c.seq,
        outbox.c.created_at < _BEFORE,
        outbox.c.state.not_in(UNSENT),
        ~exists().where(story_messages.c.send == outbox.c.id, story_messages.c.story == stories.c.id),
    )
)
_OLD_COMPLETIONS = delete(completions).where(_some(completions.c.n, completions.c.at < _BEFORE))
_OLD_SURGES = delete(surges).where(_some(surges.c.id, surges.c.closed_at < _BEFORE))
_OLD_REPORTS = delete(outside_reports).where(outside_reports.c.reported_at < _BEFORE)
_OLD_COUNTS = delete(volume).where(volume.c.hour < _BEFORE)
_OLD_TEXTS = (
    update(articles)
    .where(_some(articles.c.id, articles.c.first_seen < _BEFORE, articles.c.has_text, ~_is_in_story))
    .values({**WITHOUT_TEXT, "author": None, "language": None})
)
_without_text = select(articles.c.id).where(~articles.c.has_text, ~_is_in_story)
_OLD_VERSIONS = delete(versions).where(versions.c.article.in_(_without_text))
_OLD_MATCHES = delete(matches).where(matches.c.article.in_(_without_text))
# The age of a sighting counts until the feed's last complete document, not until now. If a feed answers 304 for a year,
# it still lists its items.
_OLD_SIGHTINGS = (
    select(sightings.c.key)
    .join(feeds, feeds.c.url == sightings.c.feed)
    .where(
        sightings.c.seen_at < _BEFORE,
        type_coerce(sightings.c.seen_at, BigInteger)
        < type_coerce(feeds.c.named_at, BigInteger) - (AWAY + _INEXACT) // timedelta(microseconds=1),
    )
    .limit(_LOOK)
)
_FORGET_SIGHTINGS = delete(sightings).where(
    sightings.c.key.in_(bindparam("wanted", expanding=True, type_=HashBytes)), sightings.c.seen_at < _BEFORE
)
_is_forgotten = and_(
    articles.c.first_seen < _BEFORE,
    ~articles.c.has_text,
    ~exists().where(sightings.c.article == articles.c.id),
    ~_is_in_story,
)
_OLD_IDENTITIES = select(articles.c.id).where(_is_forgotten).limit(_LOOK)
_FORGET_IDENTITIES = delete(articles).where(articles.c.id.in_(WANTED), _is_forgotten)


class Trimmed(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of deleted rows."""

    stories: int
    messages: int
    #: Number of articles whose text was deleted.
    texts: int
    #: Number of articles that were deleted completely.
    identities: int


async def trim(store: Store, *, before: datetime) -> Trimmed:
    """Delete data from before a time: whole stories with their decisions and messages, then article texts.

    Unsent messages stay, and so do the texts of articles that belong to stories. The work is done in small transactions
    and can be interrupted at any time. Raises StoreUnavailable.
    """

    async def drop(statement: Delete | Update) -> int:
        def work(tx: Transaction) -> int:
            return tx.connection.execute(statement, {"before": before}).rowcount

        total = 0
        while (count := await store.write(work)) > 0:
            total += count
        return total

    stories_gone = await drop(_OLD_STORIES)
    messages_gone = await drop(_OLD_MESSAGES)
    await drop(_OLD_COMPLETIONS)
    await drop(_OLD_SURGES)
    await drop(_OLD_COUNTS)
    await drop(_OLD_REPORTS)
    texts_gone = await drop(_OLD_TEXTS)
    await drop(_OLD_VERSIONS)
    await drop(_OLD_MATCHES)
    await _forget(store, _OLD_SIGHTINGS, _FORGET_SIGHTINGS, before)
    identities_gone = await _forget(store, _OLD_IDENTITIES, _FORGET_IDENTITIES, before)
    return Trimmed(stories=stories_gone, messages=messages_gone, texts=texts_gone, identities=identities_gone)


async def _forget(store: Store, find: Select[tuple[Any]], forget: Delete, ended_before: datetime) -> int:
    """Find old rows with one query, then delete them in small transactions, which check the rows again."""

    def look(tx: Transaction) -> Sequence[Any]:
        return tx.connection.execute(find, {"before": ended_before}).scalars().all()

    total = 0
    while ids := await store.read(look):
        gone = 0
        for start in range(0, len(ids), _BATCH):
            values = {"wanted": ids[start : start + _BATCH], "before": ended_before}
            gone += await store.write(lambda tx, values=values: tx.connection.execute(forget, values).rowcount)  # type: ignore[misc]
        total += gone
        if len(ids) < _LOOK or not gone:
            break
    return total


def backup(address: str, target: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Copy an SQLite database into one new file. The copy is consistent even if the bot writes at the same time.

    This blocks. ``progress`` is called with the number of copied pages and of all pages. Raises ConfigError,
    StoreError, StoreUnavailable.
    """
    place = connections.parse(address)
    if place.file is None:
        raise ConfigError(
            f"copying the database {place}: only an SQLite file can be copied; use pg_dump for PostgreSQL"
        )
    if not place.file.is_file():
        raise unavailable(place, "it does not exist yet; `wirewatch once` or `wirewatch run` creates it")
    files.refuse_link(place.file, doing=f"copying the database {place}")
    files.refuse_link(target, doing=f"copying the database to {target}")
    if target.exists():
        raise StoreError(f"copying the database to {target}: the file exists; choose another name")
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        files.create(unfinished)
        _copy(place.file, unfinished, progress)
        unfinished.replace(target)
        _settle(target.parent)
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StoreUnavailable(
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
        # Copy everything in one read transaction, because a copy in steps restarts at each write of another process
        # (sqlite.org/backup.html). In WAL mode a reader does not block writers.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=-1, progress=report)
        # Leave WAL mode, so that the copy is a single file without a log file.
        writing.execute("PRAGMA journal_mode = DELETE")
        result = writing.execute("PRAGMA quick_check(1)").fetchone()[0]
        if result != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged ({result})")
    _settle(target)


def _settle(path: Path) -> None:
    """Flush the file to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
