"""The hub that a feed names, and its own address (WebSub section 4), found in the beginning of its bytes."""

from __future__ import annotations

import html
import re

from bot.sources.kit import links

#: Both are in the head of a document, before its items.
_MOST_BYTES = 20_000
_LINK = re.compile(rb"<(?:[A-Za-z][\w.-]{0,30}:)?link\s([^<>]{1,3000})>")
_ATTRIBUTE = re.compile(rb"""\b(rel|href)\s{0,9}=\s{0,9}["']([^"'<>]{1,2000})["']""")
_HUBS = re.compile(rb'''"hubs"\s{0,9}:\s{0,9}\[[^\]]{0,2000}?"url"\s{0,9}:\s{0,9}"((?:[^"\\]|\\/){1,2000})"''')
_OWN = re.compile(rb'"feed_url"\s{0,9}:\s{0,9}"((?:[^"\\]|\\/){1,2000})"')
_ITEM = re.compile(rb"<(?:item|entry)[\s>]")


def of(content: bytes, base: str) -> tuple[str | None, str | None]:
    """Hub and own address, absolute; None: not named."""
    head = content[:_MOST_BYTES]
    first = _ITEM.search(head)
    found: dict[bytes, bytes] = {}
    for link in _LINK.finditer(head[: first.start()] if first else head):
        told = dict(_ATTRIBUTE.findall(link[1]))
        for relation in told.get(b"rel", b"").lower().split():
            found.setdefault(relation, told.get(b"href", b""))
    if not found and (hubs := _HUBS.search(head)):
        own = _OWN.search(head)
        found = {b"hub": hubs[1], b"self": own[1] if own else b""}
    return _address(found.get(b"hub"), base), _address(found.get(b"self"), base)


def _address(written: bytes | None, base: str) -> str | None:
    return links.web(html.unescape(written.decode("utf-8", "replace")).replace("\\/", "/"), base) if written else None
