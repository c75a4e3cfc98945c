"""Documents read into entries, whatever their kind; one file of this folder is one kind.

Knows bytes and their content type; must not know how they were fetched, nor which articles are already stored.

    Body → gunzipped → the kind that recognises it → decoded, mended → items cut, known ones left out → Reading
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from functools import cache

from bot import model, ports
from bot.fetch.bounds import gunzipped
from bot.sources.kit import limits, not_a_feed

__all__ = ["find", "parse_document"]

#: Bound of a body that is gzip though nothing said so; above any fetch.max_bytes that makes sense.
_UNPACKED_BYTES = 50_000_000


@cache
def find() -> tuple[ports.Source, ...]:
    """One of each kind: the classes of this folder's files that have a ``KIND``."""
    modules = [importlib.import_module(name) for _, name, _ in pkgutil.iter_modules(__path__, prefix=f"{__name__}.")]
    return tuple(
        value()
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and f"{value.__module__}.".startswith(f"{module.__name__}.")
        and hasattr(value, "KIND")
    )


def parse_document(body: ports.Body) -> model.Reading:
    """What the document says, by the kind that recognises it. Blocking. Raises ReadError, IsPage."""
    try:
        body = dataclasses.replace(body, content=gunzipped(body.content, limit_bytes=_UNPACKED_BYTES))
    except ports.TooBig as error:
        raise ports.ReadError(f"not a feed: a packed body, {error}") from error
    if not body.content.strip(b"\x00\t\n\r \xef\xbb\xbf\xfe\xff"):
        raise ports.ReadError("empty body: the server sent nothing; it is asked again later")
    for source in find():
        if source.recognises(body):
            reading = source.read(body)
            return dataclasses.replace(
                reading, entries=tuple(limits.of_baseline(entry, body.identity_before) for entry in reading.entries)
            )
    raise not_a_feed.refusal(body)
