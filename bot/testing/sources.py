"""The contract of every source, as checks on a valid document. docs/adding-a-source.md explains each check."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from bot.feeds import kinds
from bot.model.errors import ReadError
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body

URL = "https://news.example.org/document"
#: Maximum seconds for one document on a busy machine. A reader process is killed after twice this time.
MOST_SECONDS = 5.0
_JUNK = (b"\x00", b"\xff\xfe\xfd" * 100, b"<" * 5_000, b"[" * 5_000, b"\n" * 5_000, "\u202e\u2028".encode() * 500)


class SourceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A valid document of one kind of source, and the titles that parsing it must return."""

    kind: str
    content: bytes
    #: The expected titles, in the order of the parsed feed.
    titles: tuple[str, ...]
    #: The feed's keys in feeds.yaml that belong to this kind of source.
    options: Mapping[str, object] = msgspec.field(default_factory=dict)


Check: TypeAlias = Callable[[SourceDocument], None]


def options_are_documented_and_strict(subject: SourceDocument) -> None:
    """Each option has a description, and an unknown key is refused."""
    options = kinds.find_kinds().by_name[subject.kind].options
    if options is None:
        return
    assert options.__doc__
    assert all(option.description for option in options.model_fields.values())
    try:
        options.model_validate({**subject.options, "colour": "red"})
    except ValueError:
        return
    raise AssertionError("an unknown key is accepted")


def the_document_is_read_and_twice_the_same(subject: SourceDocument) -> None:
    """Parsing returns the expected titles, and a second parse returns the same result."""
    reading = _parse(subject, subject.content)
    assert tuple(entry.title for entry in reading.entries) == subject.titles
    assert _parse(subject, subject.content) == reading


def every_entry_is_distinct(subject: SourceDocument) -> None:
    """Each entry has an id, link or title that no other entry has."""
    entries = _parse(subject, subject.content).entries
    named = [entry.guid or entry.link or entry.title for entry in entries]
    assert all(named), "an entry without id, link and title"
    assert len(set(named)) == len(named)


def times_say_their_zone(subject: SourceDocument) -> None:
    """Each time has a time zone."""
    for entry in _parse(subject, subject.content).entries:
        for when in (entry.published, entry.updated):
            assert when is None or when.tzinfo is not None


def half_a_document_is_read_or_refused(subject: SourceDocument) -> None:
    """A document that is cut off at any position is parsed or raises ReadError."""
    step = max(1, len(subject.content) // 50)
    for end in range(0, len(subject.content), step):
        _read_or_refused(subject, subject.content[:end])


def what_is_no_document_of_it_is_read_or_refused(subject: SourceDocument) -> None:
    """A document with junk around it, or junk instead of a document, is parsed or raises ReadError."""
    for junk in _JUNK:
        for content in (junk, subject.content + junk, junk + subject.content, subject.content.replace(b"\n", junk)):
            _read_or_refused(subject, content)


def a_long_document_is_read_in_time(subject: SourceDocument) -> None:
    """Half a megabyte is parsed or refused within ``MOST_SECONDS`` of processor time."""
    began = time.process_time()
    _read_or_refused(subject, subject.content * (500_000 // len(subject.content) + 1))
    assert time.process_time() - began < MOST_SECONDS


CHECKS: tuple[Check, ...] = (
    options_are_documented_and_strict,
    the_document_is_read_and_twice_the_same,
    every_entry_is_distinct,
    times_say_their_zone,
    half_a_document_is_read_or_refused,
    what_is_no_document_of_it_is_read_or_refused,
    a_long_document_is_read_in_time,
)


def _parse(subject: SourceDocument, content: bytes) -> ParsedFeed:
    kind = kinds.find_kinds().by_name[subject.kind]
    options = kind.options.model_validate(dict(subject.options)).model_dump_json() if kind.options else "{}"
    assert json.loads(options) is not None
    body = Body(content=content, content_type="", url=URL)
    return kinds.parse_document(body, kind=subject.kind, options=options)


def _read_or_refused(subject: SourceDocument, content: bytes) -> None:
    try:
        _parse(subject, content)
    except ReadError as error:
        # A bug in the plug-in also raises ReadError, so look at the text.
        if "failed on this document" in str(error):
            raise AssertionError(f"{error}: {content[:60]!r}") from error.__cause__
