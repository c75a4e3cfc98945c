"""Bounds of what one document may bring into the program.

Pure. The numbers are far above any real feed, and low enough that ten thousand hostile ones fit in memory.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from bot import model

T = TypeVar("T")

MAX_ENTRIES = 5_000
MAX_TITLE = 2_000
MAX_BODY = 1_000_000
MAX_ADDRESS = 8_000
MAX_NAME = 300
MAX_TAGS = 100
#: At a first poll the old ones among so many first items keep their text: it shows what the feed repeats.
SAMPLE = 12
#: RFC 5646 section 4.4.1.
_MAX_LANGUAGE = 35


def ends_of(items: Sequence[T]) -> tuple[tuple[T, ...], str | None]:
    """At most MAX_ENTRIES of the items, and a remark where some are left.

    Both ends are kept: the new ones are at the head of most feeds and at the foot of some.
    """
    if len(items) <= MAX_ENTRIES:
        return tuple(items), None
    half = MAX_ENTRIES // 2
    return (*items[:half], *items[-half:]), f"{len(items)} items; only the first and the last {half} are read"


def bounded(entry: model.Entry) -> model.Entry:
    """The entry with every field within its bound."""
    if is_within(entry):
        return entry
    return dataclasses.replace(
        entry,
        guid=_key(entry.guid),
        link=entry.link if entry.link and len(entry.link) <= MAX_ADDRESS else None,
        title=_cut(entry.title, MAX_TITLE),
        body=_cut(entry.body, MAX_BODY),
        author=_cut(entry.author, MAX_NAME),
        tags=tuple(tag[:MAX_NAME] for tag in entry.tags[:MAX_TAGS]),
        language=_cut(entry.language, _MAX_LANGUAGE),
    )


def is_within(entry: model.Entry) -> bool:
    """Whether each field is within its bound: nearly always, and then nothing is copied."""
    return (
        len(entry.guid or "") <= MAX_ADDRESS
        and len(entry.link or "") <= MAX_ADDRESS
        and len(entry.title or "") <= MAX_TITLE
        and len(entry.body or "") <= MAX_BODY
        and len(entry.author or "") <= MAX_NAME
        and len(entry.language or "") <= _MAX_LANGUAGE
        and len(entry.tags) <= MAX_TAGS
        and all(len(tag) <= MAX_NAME for tag in entry.tags)
        and "" not in (entry.guid, entry.link, entry.title, entry.body, entry.author, entry.language)
    )


def of_baseline(entries: Sequence[model.Entry], before: datetime | None) -> tuple[model.Entry, ...]:
    """Return the entries with those dated before marked as never matched; an undated one counts as new.

    Behind the first ``SAMPLE`` entries they lose their text too.
    """
    return tuple(
        dataclasses.replace(
            entry,
            body=entry.body if place < SAMPLE else None,
            author=None,
            tags=(),
            language=None,
            identity_only=True,
        )
        if _is_before(entry, before)
        else entry
        for place, entry in enumerate(entries)
    )


def _is_before(entry: model.Entry, before: datetime | None) -> bool:
    date = entry.published or entry.updated
    return before is not None and date is not None and date < before and not entry.identity_only


def of_known(entry: model.Entry, *, is_known: bool) -> model.Entry:
    """An entry whose bytes are known is named only. Its body stays: one without an id is known by its text."""
    return dataclasses.replace(entry, identity_only=True) if is_known else entry


def _cut(text: str | None, size: int) -> str | None:
    return text[:size] if text else None


def _key(guid: str | None) -> str | None:
    """Cut ids would fall together, so a long one is replaced by its hash."""
    if not guid or len(guid) <= MAX_ADDRESS:
        return guid or None
    return "sha256:" + hashlib.sha256(guid.encode("utf-8", "replace")).hexdigest()
