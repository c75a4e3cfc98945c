"""Documents parsed into entries, whatever their kind; one module or package of this folder is one kind.

A module of another installed package that an entry point of ``wirewatch.sources`` names is one too. Knows bytes and
their content type; must not know how they were fetched, nor which articles are already stored.

    Body → gunzipped → the kind that the feed names, or that recognises it → items cut, known ones left out → Reading
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from bot import model, plugins, ports
from bot.fetch.bounds import gunzipped
from bot.sources.kit import hub, limits, not_a_feed

__all__ = ["find", "kinds", "lists_of", "parse_document", "usual"]

GROUP = "wirewatch.sources"
#: Bound of a body that is gzip though nothing said so; above any fetch.max_bytes that makes sense.
_UNPACKED_BYTES = 50_000_000


@cache
def kinds() -> plugins.Kinds:
    """Every kind of source, and those that are installed and cannot be loaded."""
    return plugins.find(__name__, group=GROUP, made_by="Source")


@cache
def usual() -> tuple[plugins.Kind, ports.Source]:
    """The kind of nearly every document. Others are imported where one is met, which takes as long as fifty feeds."""
    return _named("rss", "{}")


@cache
def find() -> tuple[tuple[plugins.Kind, ports.Source], ...]:
    """Those that may recognise a document, our own first: of each kind that needs no option, one."""
    ours_first = sorted(kinds().found.values(), key=lambda kind: kind.package is not None)
    return tuple((kind, source) for kind in ours_first if (source := _without_options(kind)))


def parse_document(body: ports.Body, *, kind: str | None = None, options: str = "{}") -> model.Reading:
    """What the document says, by the kind that is named, else by one that recognises it.

    ``options`` is the JSON of that kind's options. Blocking. Raises ReadError, IsPage.
    """
    try:
        content = gunzipped(body.content, limit_bytes=_UNPACKED_BYTES)
    except ports.TooBig as error:
        raise ports.ReadError(f"not a feed: a packed body, {error}") from error
    if content is not body.content:
        body = dataclasses.replace(body, content=content)
    if not content.strip(b"\x00\t\n\r \xef\xbb\xbf\xfe\xff"):
        raise ports.ReadError("empty body: the server sent nothing; it is polled again later")
    reading = _read_by(*_named(kind, options), body) if kind else _recognised(body)
    named, own = hub.of(body.content, body.url)
    return dataclasses.replace(
        reading,
        entries=limits.of_baseline(reading.entries, body.identity_before),
        hub=named,
        topic=own,
    )


def lists_of(body: ports.Body) -> tuple[str | None, Sequence[Mapping[str, str]]]:
    """A page's name, and selectors of its lists, the likeliest first. Blocking. Raises ReadError."""
    from bot.sources.page import proposals  # of people's commands only

    return proposals.of_body(body)


def _recognised(body: ports.Body) -> model.Reading:
    if usual()[1].recognises(body):
        return _read_by(*usual(), body)
    for kind, source in find():
        if _recognises(kind, source, body):
            return _read_by(kind, source, body)
    raise not_a_feed.refusal(body)


def _recognises(kind: plugins.Kind, source: ports.Source, body: ports.Body) -> bool:
    if kind.package is None:
        return source.recognises(body)
    try:
        return bool(source.recognises(body))
    except Exception:  # noqa: BLE001 - another kind may know it
        return False


def _read_by(kind: plugins.Kind, source: ports.Source, body: ports.Body) -> model.Reading:
    if kind.package is None:
        return source.read(body)
    try:
        reading = source.read(body)
        kept, remark = limits.ends_of(list(reading.entries))
    except ports.ReadError:
        raise
    except Exception as error:
        raise ports.ReadError(
            f'the plug-in "{kind.name}" of {kind.package} failed on this document ({type(error).__name__})'
        ) from error
    entries = tuple(limits.bounded(entry) for entry in kept)
    return dataclasses.replace(reading, entries=entries, remarks=(*reading.remarks, *((remark,) if remark else ())))


@lru_cache(maxsize=1_000)
def _named(name: str, options: str) -> tuple[plugins.Kind, ports.Source]:
    """The source of a feed that names its kind. Raises ReadError."""
    kind = kinds().found.get(name)
    if kind is None:
        broken = kinds().broken.get(name)
        raise ports.ReadError(str(broken) if broken else f'no kind of source "{name}" is installed here')
    try:
        source: ports.Source = (
            kind.made_by(kind.options.model_validate_json(options)) if kind.options else kind.made_by()
        )
    except Exception as error:
        raise ports.ReadError(f'the kind "{name}" refuses its options ({type(error).__name__})') from error
    return kind, source


def _without_options(kind: plugins.Kind) -> ports.Source | None:
    """None: some option has no default, so that only a feed that names the kind is read by it."""
    if kind.options and any(option.is_required() for option in kind.options.model_fields.values()):
        return None
    try:
        source: ports.Source = kind.made_by(kind.options()) if kind.options else kind.made_by()
    except Exception:
        if kind.package is None:
            raise
        return None
    return source
