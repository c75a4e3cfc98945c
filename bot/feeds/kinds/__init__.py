"""Parse documents into entries. Each module or package of this folder parses one kind of document.

Other installed packages add kinds through the entry points ``wirewatch.sources``. Works on bytes and their content
type; must not depend on how they were fetched, or on which articles are stored.

    Body → the feed's kind, or the kind that recognises the body → cut out new items → ParsedFeed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache

from msgspec.structs import replace

from bot import plugins
from bot.feeds.kit import fields, markup
from bot.model.errors import ReadError
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body, Source

__all__ = [
    "find_kinds",
    "find_recognisers",
    "get_rss_source",
    "parse_document",
    "propose_selectors",
]


GROUP = "wirewatch.sources"


@cache
def find_kinds() -> plugins.Kinds:
    """Return every kind of source, including the installed kinds that cannot be loaded."""
    return plugins.find(__name__, group=GROUP, made_by="Source")


@cache
def get_rss_source() -> tuple[plugins.Kind, Source]:
    """Return the RSS kind, which parses most documents. Importing the other kinds takes as long as parsing 50 feeds."""
    return _get_source("rss", "{}")


@cache
def find_recognisers() -> tuple[tuple[plugins.Kind, Source], ...]:
    """Return each kind that requires no option, with a source that recognises documents; built-in kinds come first."""
    ours_first = sorted(find_kinds().by_name.values(), key=lambda kind: kind.package is not None)
    return tuple((kind, source) for kind in ours_first if (source := _make_without_options(kind)))


def parse_document(body: Body, *, kind: str | None = None, options: str = "{}") -> ParsedFeed:
    """Parse a document with the named kind, or with the first kind that recognises it if ``kind`` is None.

    ``options`` is the JSON of the named kind's options. Blocking. Raises ReadError, IsPage.
    """
    if not body.content.strip(b"\x00\t\n\r \xef\xbb\xbf\xfe\xff"):
        raise ReadError("empty body: the server sent nothing; it is polled again later")
    reading = _parse_with(*_get_source(kind, options), body) if kind else _parse_recognised(body)
    if reading.faulty_items and not (reading.entries or reading.item_hashes):
        # The parser is at fault, not an item.
        raise RuntimeError(f"no item can be parsed: {reading.faulty_items[0].error}")
    entries, too_many = fields.keep_ends(reading.entries)
    entries = tuple(fields.bound_entry(entry) for entry in entries)
    return replace(
        reading,
        entries=fields.mark_baseline(entries, body.identity_before),
        remarks=(*reading.remarks, *too_many),
    )


def propose_selectors(body: Body) -> tuple[str | None, Mapping[str, str] | None]:
    """Return a page's name, and selectors for its likeliest list, or None. Blocking. Raises ReadError."""
    from bot.feeds.kinds.page import proposals  # only commands need it

    return proposals.propose_selectors(body)


def _parse_recognised(body: Body) -> ParsedFeed:
    if get_rss_source()[1].recognises(body):
        return _parse_with(*get_rss_source(), body)
    for kind, source in find_recognisers():
        if _recognises(kind, source, body):
            return _parse_with(kind, source, body)
    raise markup.explain_refusal(body)


def _recognises(kind: plugins.Kind, source: Source, body: Body) -> bool:
    if kind.package is None:
        return source.recognises(body)
    try:
        with _faults_of(kind, "failed on this document"):
            return bool(source.recognises(body))
    except ReadError:
        return False  # another kind may recognise it


def _parse_with(kind: plugins.Kind, source: Source, body: Body) -> ParsedFeed:
    with _faults_of(kind, "failed on this document"):
        reading = source.read(body)
        return replace(reading, entries=tuple(reading.entries))


@contextmanager
def _faults_of(kind: plugins.Kind, what: str) -> Iterator[None]:
    """Raise ReadError for an unexpected error of a plug-in. An error of a built-in kind is our bug, so keep it."""
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        if kind.package is None:
            raise
        raise ReadError(f'the plug-in "{kind.name}" of {kind.package} {what} ({type(error).__name__})') from error


@lru_cache(maxsize=1_000)
def _get_source(name: str, options: str) -> tuple[plugins.Kind, Source]:
    """Return the named kind, and its source with the options (JSON). Raises ReadError."""
    kind = find_kinds().by_name.get(name)
    if kind is None:
        broken = find_kinds().broken.get(name)
        raise ReadError(str(broken) if broken else f'the kind of source "{name}" is not installed')
    try:
        with _faults_of(kind, "does not accept the options"):
            source: Source = kind.made_by(kind.options.model_validate_json(options)) if kind.options else kind.made_by()
    except ValueError as error:
        raise ReadError(f'the kind "{name}" does not accept the options ({type(error).__name__})') from error
    return kind, source


def _make_without_options(kind: plugins.Kind) -> Source | None:
    """Return a source with default options, or None if an option has no default, so that feeds must name the kind."""
    if kind.options and any(option.is_required() for option in kind.options.model_fields.values()):
        return None
    try:
        with _faults_of(kind, "cannot be used without options"):
            source: Source = kind.made_by(kind.options()) if kind.options else kind.made_by()
    except ReadError:
        return None
    return source
