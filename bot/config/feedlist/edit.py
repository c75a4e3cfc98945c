"""Add feeds to feeds.yaml: lines are inserted, and every other character stays as people wrote it.

A library that loads and dumps YAML with its comments (ruamel.yaml) still re-indents and re-wraps; see
docs/decisions/0013-identity-and-feed-lists.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot import model, ports
from bot.config.feedlist import lines
from bot.config.yaml import nodes
from bot.config.yaml.errors import Unreadable
from bot.config.yaml.nodes import Document, Mapping, Scalar, Sequence, value_of
from bot.polling import places

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """The result of adding feeds."""

    #: The whole file as it should be written.
    text: str
    added: tuple[model.Feed, ...]
    #: Already listed, unchanged.
    known: tuple[model.Feed, ...]


def add(text: str, feed: model.Feed) -> str:
    """Return ``text`` of feeds.yaml with one more feed at the end of its list.

    Raises ConfigError if the file cannot be read, or already lists the feed.
    """
    addition = add_all(text, [feed])
    if addition.known:
        raise ports.ConfigError(f"feeds.yaml already lists {feed.url}: nothing was changed")
    return addition.text


def add_all(text: str, feeds: Iterable[model.Feed]) -> Addition:
    """Return ``text`` of feeds.yaml with those feeds that it does not list yet. Raises ConfigError."""
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    document = _parsed(text.removeprefix(mark))
    key, listed = _list(document)
    urls = _urls(listed)
    listed_places = set(map(_place, urls))
    feeds_by_place: dict[str, model.Feed] = {}
    for feed in feeds:
        feeds_by_place.setdefault(_place(feed.url), feed)
    added = tuple(feed for place, feed in feeds_by_place.items() if place not in listed_places)
    known = tuple(feed for place, feed in feeds_by_place.items() if place in listed_places)
    if not added:
        return Addition(text=text, added=(), known=known)
    in_brackets = listed is not None and listed.is_flow
    edited = _put(document, key, listed, [lines.written(feed, in_brackets=in_brackets) for feed in added])
    edited_urls = _urls(_list(_parsed(edited))[1])
    if edited_urls != [*urls, *(feed.url for feed in added)]:
        raise ports.ConfigError("the layout of feeds.yaml is not supported: add the feed by hand")
    return Addition(text=mark + edited, added=added, known=known)


def _place(written: str) -> str:
    """Return the place of an address, the same for all its spellings and for the short form of a known place."""
    try:
        return model.feed_place(places.expand(written).url)
    except places.Unfit:
        return model.feed_place(written)


def _parsed(text: str) -> Document:
    try:
        return nodes.parse_yaml(text)
    except Unreadable as error:
        line, column = Document(text, None).place(error.start)
        raise ports.ConfigError(
            f"feeds.yaml:{line}:{column}: {error.message}; correct it first (wirewatch check)"
        ) from error


def _list(document: Document) -> tuple[Scalar | None, Sequence | None]:
    """Return the key ``feeds`` and its list; None for what is missing."""
    root = document.root
    if root is None:
        return None, None
    if not isinstance(root, Mapping):
        raise ports.ConfigError("feeds.yaml does not begin with 'feeds:'; correct it first (wirewatch check)")
    listed = root.get("feeds")
    if isinstance(listed, Sequence):
        return root.key("feeds"), listed
    if isinstance(listed, Scalar) and not listed.value and not listed.style:
        return root.key("feeds"), None
    if listed is not None:
        line, _ = document.place(listed.start)
        raise ports.ConfigError(f"feeds.yaml:{line}: 'feeds' is not a list; correct it first (wirewatch check)")
    if root.is_flow:
        raise ports.ConfigError("feeds.yaml has braces and no 'feeds'; correct it first (wirewatch check)")
    return None, None


def _urls(listed: Sequence | None) -> list[str]:
    addresses = [
        item if isinstance(item, Scalar) else value_of(item, "url") for item in (listed.items if listed else ())
    ]
    return [address.value if isinstance(address, Scalar) else "" for address in addresses]


def _put(document: Document, key: Scalar | None, listed: Sequence | None, written: Iterable[str]) -> str:
    text = document.text
    newline = "\r\n" if "\r\n" in text else "\n"
    if listed is not None and listed.is_flow:
        last = listed.items[-1] if listed.items else None
        at = last.end if last else listed.start + 1
        return f"{text[:at]}{', ' if last else ''}{', '.join(written)}{text[at:]}"
    if listed is not None:
        at, indent = _after_line(document, listed.end), document.place(listed.start)[1] - 1
    elif key is not None:
        at, indent = _after_line(document, key.end), document.place(key.start)[1] + 1
    else:
        at, indent = _end_of_document(text), 2
    head = "" if document.place(at)[1] == 1 else newline
    title = f"feeds:{newline}" if key is None else ""
    return text[:at] + head + title + "".join(f"{' ' * indent}- {line}{newline}" for line in written) + text[at:]


def _after_line(document: Document, at: int) -> int:
    line, column = document.place(at)
    if column == 1 and at > 0:
        return at  # a block of text (“|”) ends where the next line begins
    return document.line_starts[line] if line < len(document.line_starts) else len(document.text)


def _end_of_document(text: str) -> int:
    match = re.search(r"^\.\.\.", text, re.MULTILINE)
    return match.start() if match else len(text)
