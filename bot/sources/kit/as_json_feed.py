"""Answers of JSON APIs, read as the JSON Feed that they would make: bounds, hashes and dates are that reader's."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping

from bot import model
from bot.ports import Body, ReadError
from bot.sources.jsonfeed import Json, Source
from bot.sources.kit import charset


def read(body: Body, *, title: str, items_of: Callable[[Json], Iterable[Mapping[str, Json]]]) -> model.Reading:
    """``items_of`` makes items of JSON Feed from the whole answer. Raises ReadError, as it may."""
    decoded = charset.decode(body.content, body.content_type)
    try:
        answer: Json = json.loads(decoded.text, strict=False)
    except (ValueError, RecursionError):
        raise ReadError("broken JSON, or cut off: it is polled again later") from None
    feed = {"title": title, "items": list(items_of(answer))}
    content = json.dumps(feed, ensure_ascii=True).encode()
    return Source().read(dataclasses.replace(body, content=content, content_type="application/json"))


def text(item: Mapping[str, Json], key: str) -> str:
    """Empty where it is none."""
    found = item.get(key)
    return found if isinstance(found, str) else ""
