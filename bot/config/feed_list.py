"""Add feeds to feeds.yaml by inserting lines, without changing any other character.

This does not use ruamel.yaml, which keeps comments but changes indentation and line breaks. See
docs/decisions/0013-identity-and-feed-lists.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import msgspec

from bot.config import nodes
from bot.config.nodes import MappingNode, ScalarNode, SequenceNode, YamlDocument, value_of
from bot.config.yaml_errors import UnreadableYaml
from bot.feeds import places
from bot.model.errors import ConfigError
from bot.model.feeds import Feed, feed_place
from bot.patterns import LazyPattern

_BYTE_ORDER_MARK = "\ufeff"


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """The result of adding feeds."""

    #: The whole text of the file, with the added feeds.
    text: str
    added: tuple[Feed, ...]
    #: Feeds that the file already lists.
    already_listed: tuple[Feed, ...]


def add_feeds(text: str, feeds: Iterable[Feed]) -> Addition:
    """Add the feeds that the ``text`` of feeds.yaml does not list yet. Raises ConfigError."""
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    document = _parse_document(text.removeprefix(mark))
    key, listed = _find_list(document)
    urls = _listed_urls(listed)
    listed_places = set(map(_place_of, urls))
    feeds_by_place: dict[str, Feed] = {}
    for feed in feeds:
        feeds_by_place.setdefault(_place_of(feed.url), feed)
    added = tuple(feed for place, feed in feeds_by_place.items() if place not in listed_places)
    already_listed = tuple(feed for place, feed in feeds_by_place.items() if place in listed_places)
    if not added:
        return Addition(text=text, added=(), already_listed=already_listed)
    in_brackets = listed is not None and listed.is_flow
    edited = _insert_lines(document, key, listed, [render_feed(feed, in_brackets=in_brackets) for feed in added])
    edited_urls = _listed_urls(_find_list(_parse_document(edited))[1])
    if edited_urls != [*urls, *(feed.url for feed in added)]:
        raise ConfigError("the layout of feeds.yaml is not supported: add the feed by hand")
    return Addition(text=mark + edited, added=added, already_listed=already_listed)


def _place_of(written: str) -> str:
    """Return a key that all spellings of a feed's address share, including its short form (``youtube:@channel``)."""
    try:
        return feed_place(places.expand_short_form(written).url)
    except places.Unfit:
        return feed_place(written)


def _parse_document(text: str) -> YamlDocument:
    try:
        return nodes.parse_yaml(text)
    except UnreadableYaml as error:
        line, column = YamlDocument(text, None).place(error.flaw.start)
        raise ConfigError(f"feeds.yaml:{line}:{column}: {error}; correct it first (wirewatch check)") from error


def _find_list(document: YamlDocument) -> tuple[ScalarNode | None, SequenceNode | None]:
    """Return the key ``feeds`` and its list. Each of them is None if it is missing."""
    root = document.root
    if root is None:
        return None, None
    if not isinstance(root, MappingNode):
        raise ConfigError("feeds.yaml does not begin with 'feeds:'; correct it first (wirewatch check)")
    listed = root.get("feeds")
    if isinstance(listed, SequenceNode):
        return root.key("feeds"), listed
    if isinstance(listed, ScalarNode) and not listed.value and not listed.style:
        return root.key("feeds"), None
    if listed is not None:
        line, _ = document.place(listed.start)
        raise ConfigError(f"feeds.yaml:{line}: 'feeds' is not a list; correct it first (wirewatch check)")
    if root.is_flow:
        raise ConfigError("feeds.yaml has braces and no 'feeds'; correct it first (wirewatch check)")
    return None, None


def _listed_urls(listed: SequenceNode | None) -> list[str]:
    addresses = [
        item if isinstance(item, ScalarNode) else value_of(item, "url") for item in (listed.items if listed else ())
    ]
    return [address.value if isinstance(address, ScalarNode) else "" for address in addresses]


def _insert_lines(
    document: YamlDocument, key: ScalarNode | None, listed: SequenceNode | None, written: Iterable[str]
) -> str:
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
        end = re.search(r"^\.\.\.", text, re.MULTILINE)
        at, indent = end.start() if end else len(text), 2
    head = "" if document.place(at)[1] == 1 else newline
    title = f"feeds:{newline}" if key is None else ""
    return text[:at] + head + title + "".join(f"{' ' * indent}- {line}{newline}" for line in written) + text[at:]


def _after_line(document: YamlDocument, at: int) -> int:
    line, column = document.place(at)
    if column == 1 and at > 0:
        return at  # a block of text (“|”) ends where the next line begins
    return document.line_starts[line] if line < len(document.line_starts) else len(document.text)


#: Addresses that need no quotes, except in a list in brackets, where PyYAML ends a value at a question mark.
_PLAIN_ADDRESS = LazyPattern(r"https?://[\w./?=&%+~;@$!()*'-]*[\w/=&%+~-](?:#[\w./=&%+~-]+)?\Z", re.ASCII)
_PLAIN_WORDS = LazyPattern(r"[^\W_](?:[\w ./&+-]*[^\W_])?\Z")


def render_feed(feed: Feed, *, in_brackets: bool = False) -> str:
    """Return the line of a feed without the dash: its address, name, tags, aggregator, kind, and the kind's keys.

    ``in_brackets`` is true if the list is written on one line, as ``[…]``.
    """
    values = {"name": feed.name, "tags": feed.tags, "aggregator": feed.aggregator, "kind": feed.kind}
    fields = {key: _render(value) for key, value in values.items() if value not in (None, ())}
    if feed.kind is not None:
        fields |= {key: _quote(str(value)) for key, value in json.loads(feed.options).items() if value is not None}
    if not fields:
        is_plain = _PLAIN_ADDRESS.match(feed.url) and not (in_brackets and "?" in feed.url)
        return feed.url if is_plain else _quote(feed.url)
    text = ", ".join(f"{key}: {value}" for key, value in {"url": _quote(feed.url), **fields}.items())
    return f"{{{text}}}"


def _render(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return f"[{', '.join(map(_render, value))}]"
        case _:
            text = str(value)
            return text if _PLAIN_WORDS.match(text) else _quote(text)


def _quote(text: str) -> str:
    # A JSON string is a YAML string, except that YAML refuses unprintable characters and surrogate escapes.
    plain = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08X}" for letter in plain)
