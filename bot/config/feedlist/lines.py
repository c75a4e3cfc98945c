"""Render one feed as people would write it in feeds.yaml: the bare address, or one line in braces."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from bot import model

#: Addresses that need no quotes, except that PyYAML ends a scalar in brackets at a question mark.
_PLAIN_ADDRESS = re.compile(r"https?://[\w./?=&%+~;@$!()*'-]*[\w/=&%+~-](?:#[\w./=&%+~-]+)?\Z", re.ASCII)
_PLAIN_WORDS = re.compile(r"[^\W_](?:[\w ./&+-]*[^\W_])?\Z")
_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def written(feed: model.Feed, *, in_brackets: bool = False) -> str:
    """Return the line without the dash; keys in the order of the documentation.

    ``in_brackets``: the list is one line, ``[…]``.
    """
    fields: dict[str, str] = {}
    if feed.name is not None:
        fields["name"] = _words(feed.name)
    if feed.every is not None:
        fields["every"] = _duration(feed.every)
    if feed.at_least is not None:
        fields["at_least"] = _duration(feed.at_least)
    if feed.backfill is not None:
        fields["backfill"] = _duration(feed.backfill)
    if feed.full_text is not model.FullText.NEVER:
        fields["full_text"] = feed.full_text.value
    if feed.tags:
        fields["tags"] = f"[{', '.join(_words(tag) for tag in feed.tags)}]"
    if feed.owner is not None:
        fields["owner"] = _words(feed.owner)
    if feed.aggregator is not None:
        fields["aggregator"] = "true" if feed.aggregator else "false"
    if feed.expect is not None:
        fields["expect"] = f"every {_duration(feed.expect)}"
    if feed.kind is not None:
        fields["kind"] = _words(feed.kind)
        fields |= {key: _quoted(str(value)) for key, value in json.loads(feed.options).items() if value is not None}
    if not fields:
        is_plain = _PLAIN_ADDRESS.match(feed.url) and not (in_brackets and "?" in feed.url)
        return feed.url if is_plain else _quoted(feed.url)
    text = ", ".join(f"{key}: {value}" for key, value in {"url": _quoted(feed.url), **fields}.items())
    return f"{{{text}}}"


def _words(text: str) -> str:
    return text if _PLAIN_WORDS.match(text) else _quoted(text)


def _quoted(text: str) -> str:
    # A JSON string is a YAML string, except that YAML refuses unprintable characters and surrogate escapes.
    plain = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08X}" for letter in plain)


def _duration(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size} {unit}"
