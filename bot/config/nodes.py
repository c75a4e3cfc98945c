"""Parse YAML into nodes with positions, without guessing types or expanding aliases.

The nodes are made from the events of the C parser. This is as fast as ``yaml.compose`` and takes half the memory, and a
flaw such as an alias or a duplicate key spoils one rule instead of the whole file
(docs/decisions/0011-configuration.md). The position of a character inside a value is computed only for a problem, so it
costs nothing in a good file.
"""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
import yaml

from bot.config import yaml_errors
from bot.config.yaml_errors import Flaw, UnreadableYaml
from bot.patterns import LazyPattern

#: Maximum nesting; a deeper file is a mistake or an attack.
MAX_DEPTH = 30
#: Maximum number of nodes, enough for about 100,000 rules. A node takes about 270 bytes, so this limits the memory.
MAX_NODES = 3_000_000
#: A text of this length or longer is parsed only once, so items that are not valid YAML are not removed.
_MAX_RETRIED_CHARACTERS = 300_000
_FIRST_ITEM = LazyPattern(r"^(?:rules|feeds):[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*(?P<indent> *)-\s", re.MULTILINE)
_NAME = LazyPattern(r"^[ -]*name: *(.+?) *$", re.MULTILINE)
#: Line ends, as libyaml recognises them.
_LINE_END = LazyPattern("\r\n|[\r\n\x85\u2028\u2029]")
_DEEPER_DASH = LazyPattern(r"[\r\n][ \t]*- ")
#: Characters that only an escape inside double quotes can put into a value.
_CONTROL = LazyPattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_ESCAPED_CHARACTER = LazyPattern(r"\\.", re.DOTALL)
#: A “#word” after a space at the end of a line, which YAML reads as a comment.
_LOST_COMMENT = LazyPattern(r"(?<![ \t])[ \t]+#\S+[ \t]*(?=[\r\n]|\Z)")


class ScalarNode(msgspec.Struct):
    """One value as written; ``start`` and ``end`` are offsets in the text."""

    value: str
    start: int
    end: int
    #: The character of its style (' " | >), or "" for a plain value.
    style: str


class SequenceNode(msgspec.Struct):
    """A list; ``start`` and ``end`` are offsets in the text."""

    items: list[Node]
    start: int
    end: int
    is_flow: bool


class MappingNode(msgspec.Struct):
    """A block of keys; ``start`` and ``end`` are offsets in the text."""

    #: The keys and values in order. If a key is written twice, the first one is kept.
    pairs: list[tuple[ScalarNode, Node]]
    start: int
    end: int
    is_flow: bool

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        return next((value for name, value in self.pairs if name.value == key), None)

    def key(self, key: str) -> ScalarNode | None:
        """Return the node of the key itself, or None."""
        return next((name for name, _ in self.pairs if name.value == key), None)

    @property
    def head(self) -> ScalarNode:
        """The node at which problems of the whole block are reported: its first key, or its opening brace."""
        if self.pairs and not self.is_flow:
            return self.pairs[0][0]
        return ScalarNode("", self.start, self.start + 1, "")


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def value_of(node: Node | None, key: str) -> Node | None:
    """Return the value of a key, or None if the key is missing or the node is not a mapping."""
    return node.get(key) if isinstance(node, MappingNode) else None


def pairs_of(node: Node | None) -> list[tuple[ScalarNode, Node]]:
    """Return the keys of a mapping with their values; empty for another node."""
    return node.pairs if isinstance(node, MappingNode) else []


def scalars_of(node: Node | None) -> list[ScalarNode]:
    """Return a single value, or the values of a list without inner lists and mappings."""
    items = node.items if isinstance(node, SequenceNode) else [node]
    return [item for item in items if isinstance(item, ScalarNode)]


class YamlDocument(msgspec.Struct):
    """One file: its text, its nodes, and its flaws."""

    text: str
    #: The outermost node, or None if the file has only comments.
    root: Node | None
    #: The flaws, sorted by position.
    flaws: list[Flaw] = msgspec.field(default_factory=list)
    #: Names of the removed list items, which are not valid YAML. The name is "" for an item without a name.
    cut: list[str] = msgspec.field(default_factory=list)
    _line_starts: list[int] | None = None

    def flaws_inside(self, node: Node) -> list[Flaw]:
        """Return the flaws that start inside the node, in order."""
        low = bisect.bisect_left(self.flaws, node.start, key=lambda flaw: flaw.start)
        high = bisect.bisect_left(self.flaws, node.end, key=lambda flaw: flaw.start)
        return self.flaws[low:high]

    def has_flaw_in(self, start: int, end: int) -> bool:
        """Return whether the flaws include an error between these offsets."""
        at = bisect.bisect_left(self.flaws, start, key=lambda flaw: flaw.start)
        return any(flaw.severity == "error" and flaw.start <= end for flaw in self.flaws[at : at + 5])

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 1."""
        starts = self.line_starts
        line = bisect.bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of a line without its line end. Lines are numbered from 1."""
        starts = self.line_starts
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n\x85\u2028\u2029")

    @property
    def line_starts(self) -> list[int]:
        """Return the offset of the first character of each line."""
        if self._line_starts is None:
            self._line_starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]
        return self._line_starts


def parse_items(text: str, *, most_cut: int) -> tuple[YamlDocument | None, list[UnreadableYaml]]:
    """Parse a list under one key without the items that are not valid YAML. Also return the error of each such item.

    The document is None if a mistake is outside the list, if more than ``most_cut`` items have a mistake, or if the
    file is too large to be parsed repeatedly.
    """
    mistakes: list[UnreadableYaml] = []
    cut: list[str] = []
    remaining = text
    while True:
        try:
            document = parse_yaml(remaining)
        except UnreadableYaml as error:
            item = (
                _item_around(remaining, error.flaw.start)
                if len(text) < _MAX_RETRIED_CHARACTERS and len(cut) < most_cut
                else None
            )
            mistakes.append(error)
            if item is None:
                return None, mistakes
            name = _NAME.search(remaining, *item)
            cut.append(name[1].strip("\"' ") if name else "")
            remaining = remaining[: item[0]] + re.sub(r"[^\r\n]", " ", remaining[slice(*item)]) + remaining[item[1] :]
            continue
        document.text, document.cut = text, cut
        return document, mistakes


def _item_around(text: str, at: int) -> tuple[int, int] | None:
    """Return the offsets of the list item that contains the offset ``at``, or None if it is outside the list."""
    first = _FIRST_ITEM.search(text)
    if first is None:
        return None
    starts = re.compile(rf"^(?:{first['indent']}-(?=\s)|(?P<top>[^\s#-]))", re.MULTILINE)
    line_end = text.find("\n", at)
    bounds = list(starts.finditer(text))
    earlier = [bound for bound in bounds if bound.start() <= (len(text) if line_end < 0 else line_end)]
    if not earlier or earlier[-1]["top"]:
        return None
    end = next((bound.start() for bound in bounds if bound.start() > earlier[-1].start()), len(text))
    return earlier[-1].start(), end


def parse_yaml(text: str) -> YamlDocument:
    """Parse a YAML text. Raises UnreadableYaml, with the position and a plain explanation."""
    yaml_errors.refuse_binary(text)
    loader = yaml.CBaseLoader(text)
    try:
        return _Composer(text, loader).document()
    except yaml.YAMLError as error:
        raise yaml_errors.explain_error(error, text) from None
    finally:
        loader.dispose()


class _Composer:
    """Makes nodes from the events of the parser."""

    def __init__(self, text: str, loader: yaml.CBaseLoader) -> None:
        # Events are Any, because the type stubs of the C parser lack their values and positions.
        self._next: Callable[[], Any] = loader.get_event
        self._flaws: list[Flaw] = []
        self._count = 0
        self._lost = {match.start(): match for match in _LOST_COMMENT.finditer(text)}
        self._text = text
        #: Unusual spaces outside quoted and block text.
        self._odd = yaml_errors.find_odd_spaces(text)

    def document(self) -> YamlDocument:
        self._next()
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return YamlDocument(self._text, None)
        root: Node | None = self._node(self._next(), 0)
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            at = event.start_mark.index
            raise UnreadableYaml(
                "two-documents",
                "a second document begins here",
                "remove the line ---, because a file can have only one document",
                at,
                3,
            )
        if self._odd:
            raise self._odd[0]
        if isinstance(root, ScalarNode) and not root.value and not root.style:
            root = None
        return YamlDocument(self._text, root, sorted(self._flaws, key=lambda flaw: flaw.start))

    def _node(self, event: Any, depth: int) -> Node:
        kind = type(event)
        start = event.start_mark.index
        self._count += 1
        if kind is yaml.ScalarEvent:
            if event.anchor is not None or event.tag is not None:
                self._flaws.append(_tag_flaw(start, self._text))
            end = event.end_mark.index
            if self._odd and event.style:
                self._odd = [odd for odd in self._odd if not start < odd.flaw.start < end]
            if (
                event.style == '"'
                and _CONTROL.search(event.value)
                and (flaw := _escape_flaw(self._text[start:end], start))
            ):
                self._flaws.append(flaw)
            if self._lost and end in self._lost:
                self._warn_of_comment(event.value, self._lost[end])
            if not event.style and end - start > len(event.value) + 2 and "- " in event.value:
                self._look_for_dash(start, end)
            return ScalarNode(event.value, start, end, event.style or "")
        if depth > MAX_DEPTH:
            raise UnreadableYaml(
                "too-deep", f"brackets or indentation nested deeper than {MAX_DEPTH}", "no key needs that", start
            )
        if self._count > MAX_NODES:
            raise UnreadableYaml(
                "too-big", f"more than {MAX_NODES:,} values in one file", "split it: one file per team", start
            )
        if kind is yaml.AliasEvent:
            self._flaws.append(_alias_flaw(event.anchor, start, event.end_mark.index))
            return ScalarNode("", start, event.end_mark.index, "*")
        if event.anchor is not None or event.tag is not None:
            self._flaws.append(_tag_flaw(start, self._text))
        if kind is yaml.SequenceStartEvent:
            return self._sequence(start, event.flow_style, depth)
        return self._mapping(start, event.flow_style, depth)

    def _sequence(self, start: int, is_flow: bool, depth: int) -> SequenceNode:
        items: list[Node] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(event, depth + 1))
        return SequenceNode(items, start, _end_of(event, items), is_flow)

    def _mapping(self, start: int, is_flow: bool, depth: int) -> MappingNode:
        pairs: list[tuple[ScalarNode, Node]] = []
        first_keys: dict[str, ScalarNode] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if not isinstance(key, ScalarNode):
                self._flaws.append(_odd_key_flaw(key))
            elif first := first_keys.get(key.value):
                line = bisect.bisect_right(self._line_ends, first.start) + 1
                advice = f"it is already on line {line}: join the two or remove one"
                self._flaws.append(Flaw("duplicate-key", f'"{key.value}" is written twice', advice, key.start, key.end))
            else:
                first_keys[key.value] = key
                pairs.append((key, value))
        return MappingNode(pairs, start, _end_of(event, [value for _, value in pairs[-1:]]), is_flow)

    @functools.cached_property
    def _line_ends(self) -> list[int]:
        return [match.end() for match in _LINE_END.finditer(self._text)]

    def _look_for_dash(self, start: int, end: int) -> None:
        """Report a list item that YAML reads as text of the item above, because it is indented deeper."""
        if match := _DEEPER_DASH.search(self._text, start, end):
            message = "this dash does not line up with the ones above, so it is read as text"
            advice = "put it in the same column as the dash above"
            self._flaws.append(Flaw("indent", message, advice, match.end() - 2, match.end() - 1))

    def _warn_of_comment(self, value: str, lost: re.Match[str]) -> None:
        if not value:
            return
        comment = lost[0].strip()
        message = f"{comment} is a comment, not part of the value"
        advice = f'if it belongs to the value, quote the whole value: "{value} {comment}"'
        start = lost.start() + lost[0].index("#")
        self._flaws.append(Flaw("comment-in-value", message, advice, start, start + len(comment), severity="warning"))


def _escape_flaw(written: str, start: int) -> Flaw | None:
    r"""Return the flaw of ``"\bPTA\b"``, in which double quotes turn an intended word boundary into a backspace.

    Return None if the value also has a character code (``\x1b``), because then its escapes are intended.
    """
    escapes = list(_ESCAPED_CHARACTER.finditer(written))
    letter = next((match for match in escapes if match[0][1] in "0abefv"), None)
    if letter is None or any(match[0][1] in "xuU" for match in escapes):
        return None
    single = written[1:-1].replace("'", "''")
    message = f"inside double quotes {letter[0]} is a control character, not text"
    advice = f"use single quotes, in which a backslash is plain text: '{single}'"
    return Flaw("escape", message, advice, start + letter.start(), start + letter.end())


def _end_of(event: Any, items: list[Node]) -> int:
    """Return the end of the last item of a block. The end according to libyaml is after blank lines and comments."""
    end: int = event.end_mark.index
    return max(item.end for item in items) if items and event.start_mark.index == end else end


def _alias_flaw(name: str, start: int, end: int) -> Flaw:
    message = f"a value that begins with * refers to another position in the file (*{name})"
    advice = f"write a wildcard at the end of a word: {name.strip('*')}*; for a shared list, use a set: $name"
    return Flaw("star", message, advice, start, end)


def _tag_flaw(start: int, text: str) -> Flaw:
    mark = text[start : start + 1]
    word = (re.match(r"\S+", text[start : start + 60]) or [mark])[0].rstrip(",]}")
    if mark == "&":
        more = " …" if text[start + len(word) :][:1] == " " else ""
        message = f"a value that begins with & is a label for this position in the file ({word})"
        return Flaw("ampersand", message, f'to write it as text, quote it: "{word}{more}"', start, start + len(word))
    message = f"a value that begins with {mark} is a type for programs ({word})"
    return Flaw("exclamation", message, yaml_errors.NO_EXCLAMATION.format(word[1:]), start, start + len(word))


def _odd_key_flaw(key: SequenceNode | MappingNode) -> Flaw:
    message = "a key must be a word, but this is a list or a block in braces"
    return Flaw("odd-key", message, 'if this is text, quote it: "{{…}}"', key.start, max(key.end, key.start + 1))


def walk(node: Node) -> Iterator[ScalarNode]:
    """Yield every value in the node, in order."""
    match node:
        case ScalarNode():
            yield node
        case SequenceNode():
            for item in node.items:
                yield from walk(item)
        case MappingNode():
            for _, value in node.pairs:
                yield from walk(value)


def find_span(document: YamlDocument, scalar: ScalarNode, start: int, end: int) -> tuple[int, int]:
    """Return the offsets in the file of a stretch of a value, or of the whole value if the stretch is not found.

    The file has the characters of the value in the same order, perhaps with escapes, line breaks and indentation
    between them.
    """
    at = scalar.start + (1 if scalar.style in ("'", '"') else 0)
    if scalar.style in ("|", ">"):
        at = document.line_starts[document.place(scalar.start)[0]]
    offsets: list[int] = []
    for index, char in enumerate(scalar.value[:end]):
        if char.isspace():
            continue
        at = document.text.find(char, at, scalar.end)
        if at < 0:
            break  # written as a character code, such as \\u2019
        if index >= start:
            offsets.append(at)
        at += 1
    return (offsets[0], offsets[-1] + 1) if offsets and at >= 0 else (scalar.start, scalar.end)


def find_node(node: Node, path: tuple[str | int, ...]) -> tuple[Node, ScalarNode | None]:
    """Return the deepest node that a path reaches, and its key. Skip steps that the file omits as a shorthand.

    In a plain list, the label of a line is its item: ``("all", "regulator", 0)`` leads to the item “regulator”.
    """
    key: ScalarNode | None = None
    for step in path:
        match node:
            case MappingNode():
                value = node.get(str(step))
                if value is None:
                    return node, key
                key, node = node.key(str(step)), value
            case SequenceNode():
                item = _find_item(node.items, step)
                if item is not None:
                    node, key = item, None
            case ScalarNode():
                return node, key
    return node, key


def _find_item(items: list[Node], step: str | int) -> Node | None:
    """Return the item at an index, or the item that is a line's label."""
    if isinstance(step, str):
        for item in items:
            if isinstance(item, ScalarNode) and item.value.strip() == step:
                return item
    return items[int(step)] if str(step).isdigit() and int(step) < len(items) else None
