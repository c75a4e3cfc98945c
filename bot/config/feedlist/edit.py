"""feeds.yaml with more feeds: lines are put in, and every other character stays as people wrote it.

A library that loads and dumps YAML with its comments (ruamel.yaml) still re-indents and re-wraps; see
docs/decisions/0013-identity-and-feed-lists.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import yaml

from bot import model, ports
from bot.config.feedlist import lines
from bot.polling import places

#: What YAML takes for the end of a line.
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What adding feeds makes of the file."""

    #: The whole file as it should be written.
    text: str
    added: tuple[model.Feed, ...]
    #: Listed before, left as they were.
    known: tuple[model.Feed, ...]


def add(text: str, feed: model.Feed) -> str:
    """``text`` of feeds.yaml with one more feed at the end of its list.

    Raises ConfigError: the file cannot be read, or lists the feed already.

    >>> print(add("feeds:\\n  - https://a.org/rss  # ours\\n", model.Feed(url="https://b.org/rss")), end="")
    feeds:
      - https://a.org/rss  # ours
      - https://b.org/rss
    """
    addition = add_all(text, [feed])
    if addition.known:
        raise ports.ConfigError(f"feeds.yaml lists {feed.url} already: nothing was changed")
    return addition.text


def add_all(text: str, feeds: Iterable[model.Feed]) -> Addition:
    """``text`` of feeds.yaml with those feeds that it does not list yet. Raises ConfigError."""
    root = _composed(text)
    key, listed = _list(root)
    before = _urls(listed)
    listed_places = set(map(_place, before))
    wanted: dict[str, model.Feed] = {}
    for feed in feeds:
        wanted.setdefault(_place(feed.url), feed)
    added = tuple(feed for place, feed in wanted.items() if place not in listed_places)
    known = tuple(feed for place, feed in wanted.items() if place in listed_places)
    if not added:
        return Addition(text=text, added=(), known=known)
    in_brackets = listed is not None and bool(listed.flow_style)
    edited = _put(text, key, listed, [lines.written(feed, in_brackets=in_brackets) for feed in added])
    after = _urls(_list(_composed(edited))[1])
    if after != [*before, *(feed.url for feed in added)]:
        raise ports.ConfigError("feeds.yaml is laid out in a way that cannot be added to: write the feed in by hand")
    return Addition(text=edited, added=added, known=known)


def _place(written: str) -> str:
    """The same for every spelling of an address, and for a known place's short form of it."""
    try:
        return model.feed_place(places.expand(written).url)
    except places.Unfit:
        return model.feed_place(written)


def _composed(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable as YAML"
        raise ports.ConfigError(f"feeds.yaml{place}: {problem}; correct it first (wirewatch check)") from error


def _list(root: yaml.Node | None) -> tuple[yaml.Node | None, yaml.SequenceNode | None]:
    """The key ``feeds`` and its list; None where it is not there yet."""
    if root is None:
        return None, None
    if not isinstance(root, yaml.MappingNode):
        raise ports.ConfigError("feeds.yaml does not begin with 'feeds:'; correct it first (wirewatch check)")
    for key, value in root.value:
        if key.value != "feeds":
            continue
        if isinstance(value, yaml.SequenceNode):
            return key, value
        if isinstance(value, yaml.ScalarNode) and value.value == "" and not value.style:
            return key, None
        raise ports.ConfigError(
            f"feeds.yaml:{value.start_mark.line + 1}: 'feeds' is not a list; correct it first (wirewatch check)"
        )
    if root.flow_style:
        raise ports.ConfigError("feeds.yaml has braces and no 'feeds'; correct it first (wirewatch check)")
    return None, None


def _urls(listed: yaml.SequenceNode | None) -> list[str]:
    found = []
    for item in listed.value if listed is not None else ():
        if isinstance(item, yaml.MappingNode):
            found.append(next((value.value for key, value in item.value if key.value == "url"), ""))
        else:
            found.append(item.value if isinstance(item, yaml.ScalarNode) else "")
    return found


def _put(text: str, key: yaml.Node | None, listed: yaml.SequenceNode | None, written: Sequence[str]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    if listed is not None and listed.flow_style:
        last = listed.value[-1] if listed.value else None
        at = _offset(text, last.end_mark if last else listed.start_mark) + (0 if last else 1)
        return f"{text[:at]}{', ' if last else ''}{', '.join(written)}{text[at:]}"
    if listed is not None:
        at, indent = _after_line(text, _last_leaf(listed).end_mark), listed.start_mark.column
    elif key is not None:
        at, indent = _after_line(text, key.end_mark), key.start_mark.column + 2
    else:
        at, indent = _end_of_document(text), 2
    head = "" if at == 0 or _LINE_END.search(text[at - 1]) else newline
    title = f"feeds:{newline}" if key is None else ""
    return text[:at] + head + title + "".join(f"{' ' * indent}- {line}{newline}" for line in written) + text[at:]


def _last_leaf(node: yaml.Node) -> yaml.Node:
    """Where a block really ends: its own mark is behind the comments that follow it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    return node


def _offset(text: str, mark: yaml.Mark) -> int:
    starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
    # libyaml leaves the byte order mark out of its count.
    return min(starts[mark.line] + mark.column + (text.startswith("\ufeff") and mark.line == 0), len(text))


def _after_line(text: str, mark: yaml.Mark) -> int:
    at = _offset(text, mark)
    if mark.column == 0 and at > 0:
        return at  # a block of text (“|”) ends where the next line begins
    found = _LINE_END.search(text, at)
    return found.end() if found else len(text)


def _end_of_document(text: str) -> int:
    found = re.search(r"^\.\.\.", text, re.MULTILINE)
    return found.start() if found else len(text)
