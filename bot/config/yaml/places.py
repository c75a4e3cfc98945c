"""Find the place of a character of a value in the file: inside quotes, folded lines and ``query: |`` blocks.

Computed only for a value that has a problem, so a good file does not pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.config.yaml.nodes import Document, Mapping, Node, Scalar, Sequence

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
#: Maximum explicit indentation.
_DEEPEST = 64
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r\n|.)", re.DOTALL)


def offsets(document: Document, scalar: Scalar) -> list[int] | None:
    """Return the offset in the file of each character of the value, and of its end; None if it cannot be computed."""
    text = document.text
    if scalar.style in "|>" and scalar.style:
        positions = _of_block(text, scalar)
    elif scalar.style in "\"'" and scalar.style:
        positions = list(_of_flow(text, scalar.start + 1, scalar.end - 1, scalar.style))
    elif scalar.style == "":
        positions = list(_of_flow(text, scalar.start, scalar.end, ""))
    else:
        return None
    if len(positions) != len(scalar.value):
        return None
    return [*positions, (positions[-1] + 1 if positions else scalar.start)]


def span(document: Document, scalar: Scalar, start: int, end: int) -> tuple[int, int]:
    """Return the offsets in the file of a stretch of a value; the whole value if they cannot be computed."""
    positions = offsets(document, scalar)
    if positions is None:
        return scalar.start, scalar.end
    last = len(positions) - 1
    start, end = min(max(start, 0), last), min(max(end, 0), last)
    if end <= start:
        return positions[start], positions[start] + 1
    return positions[start], positions[end - 1] + 1


def _of_flow(text: str, at: int, end: int, quote: str) -> Iterator[int]:
    """Yield offsets of plain and quoted values: one line end folds to a space, n empty lines to n line ends."""
    while at < end:
        char = text[at]
        if quote == "'" and char == "'":
            yield at
            at += 2
        elif quote == '"' and char == "\\":
            escape = _ESCAPE.match(text, at)
            length = len(escape[0]) if escape else 2
            if escape and _BREAK.fullmatch(escape[0][1:]):
                at += length
                while at < end and text[at] in " \t":
                    at += 1
            else:
                yield at
                at += length
        elif char in " \t" or _BREAK.match(text, at):
            stretch = re.compile("[ \t\r\n\x85\u2028\u2029]+").match(text, at, end)
            stop = stretch.end() if stretch else at + 1
            breaks = [match.start() for match in _BREAK.finditer(text, at, stop)]
            if not breaks:
                yield from range(at, stop)
            elif len(breaks) == 1:
                yield breaks[0]
            else:
                yield from breaks[1:]
            at = stop
        else:
            yield at
            at += 1


def _of_block(text: str, scalar: Scalar) -> list[int]:
    """Return offsets in literal and folded blocks; an explicit indentation is found by trying each one."""
    header = _BREAK.search(text, scalar.start)
    if header is None:
        return []
    is_explicit = any(char.isdigit() for char in text[scalar.start : header.start()].partition("#")[0])
    for indent in range(1, _DEEPEST) if is_explicit else (_indent_of(text, header.end()),):
        block = _Block(text, header.end(), indent, is_folded=scalar.style == ">")
        for keep in ("clip", "keep", "strip"):
            characters = block.characters(keep)
            if "".join(char for char, _ in characters) == scalar.value:
                return [at for _, at in characters]
    return []


def _indent_of(text: str, at: int) -> int:
    """Return the indentation of the first line with text, or of the deepest blank line before it."""
    deepest = 0
    while True:
        stop = at
        while text[stop : stop + 1] == " ":
            stop += 1
        deepest = max(deepest, stop - at)
        match = _BREAK.match(text, stop)
        if match is None:
            return max(deepest, 1)
        at = match.end()


class _Block:
    """The characters of a block with their places, joined as libyaml's yaml_parser_scan_block_scalar does."""

    def __init__(self, text: str, at: int, indent: int, *, is_folded: bool) -> None:
        self._text = text
        self._indent = indent
        self._content: list[tuple[str, int]] = []
        self._last_break: list[tuple[str, int]] = []
        at, self._breaks, is_inside = self._skip(at)
        was_blank = False
        while is_inside and at < len(text):
            is_blank = text[at] in " \t"
            if is_folded and self._last_break and self._last_break[0][0] == "\n" and not was_blank and not is_blank:
                if not self._breaks:
                    self._content.append((" ", self._last_break[0][1]))
            else:
                self._content += self._last_break
            self._content += self._breaks
            was_blank = is_blank
            match = _BREAK.search(text, at)
            stop = match.start() if match else len(text)
            self._content += [(text[place], place) for place in range(at, stop)]
            self._last_break = [_as_read(match)] if match else []
            at, self._breaks, is_inside = self._skip(match.end() if match else stop)

    def characters(self, chomping: str) -> list[tuple[str, int]]:
        if chomping == "strip":
            return self._content
        kept = [*self._content, *self._last_break]
        return [*kept, *self._breaks] if chomping == "keep" else kept

    def _skip(self, at: int) -> tuple[int, list[tuple[str, int]], bool]:
        """Skip empty lines and the indentation; the last value is false if the next line ends the block."""
        breaks: list[tuple[str, int]] = []
        while True:
            column = 0
            while column < self._indent and self._text[at : at + 1] == " ":
                at, column = at + 1, column + 1
            match = _BREAK.match(self._text, at)
            if match is None:
                return at, breaks, column == self._indent
            breaks.append(_as_read(match))
            at = match.end()


def _as_read(match: re.Match[str]) -> tuple[str, int]:
    """Return a line end as libyaml reads it: the two of Unicode stay, all others become one."""
    return (match[0] if match[0] in "\u2028\u2029" else "\n"), match.start()


def find(node: Node, path: tuple[str | int, ...]) -> tuple[Node, Scalar | None]:
    """Return the deepest node that a path reaches, and its key; steps that shorthand omits are skipped.

    ``("all", "regulator", 1)`` in a plain list without labels is the item that reads “regulator”.
    """
    key: Scalar | None = None
    for step in path:
        match node:
            case Mapping():
                value = node.get(str(step))
                if value is None:
                    return node, key
                key, node = node.key(str(step)), value
            case Sequence():
                item = _item(node, step, key)
                if item is not None:
                    node, key = item, None
            case Scalar():
                return node, key
    return node, key


def _exact(node: Mapping) -> Scalar | None:
    """Return the one key of ``{EXACT}``, which is the value."""
    return node.pairs[0][0] if len(node.pairs) == 1 else None


def _item(node: Sequence, step: str | int, key: Scalar | None) -> Node | None:
    if isinstance(step, int):
        return node.items[step] if 0 <= step < len(node.items) else None
    for item in node.items:
        if isinstance(item, Scalar) and item.value == step:
            return item
        if isinstance(item, Mapping) and (short := _exact(item)) and step in (short.value, "{" + short.value + "}"):
            return item
    if step.isdigit() and int(step) < len(node.items) and (key is None or key.value != step):
        return node.items[int(step)]
    return None
