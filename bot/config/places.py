"""Where a character of a value stands in the file: the caret inside quotes, folded lines and ``query: |`` blocks.

Worked out only for a value that has a problem, so reading a good file pays nothing for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.config.nodes import Document, Mapping, Node, Scalar, Sequence

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r\n|.)", re.DOTALL)


def offsets(document: Document, scalar: Scalar) -> list[int] | None:
    """For each character of the value, and for its end, the offset in the file; None: not worked out."""
    text = document.text
    if scalar.style in "|>" and scalar.style:
        found = list(_of_block(text, scalar))
    elif scalar.style in "\"'" and scalar.style:
        found = list(_of_flow(text, scalar.start + 1, scalar.end - 1, scalar.style))
    elif scalar.style == "":
        found = list(_of_flow(text, scalar.start, scalar.end, ""))
    else:
        return None
    if len(found) != len(scalar.value):
        return None
    return [*found, (found[-1] + 1 if found else scalar.start)]


def span(document: Document, scalar: Scalar, start: int, end: int) -> tuple[int, int]:
    """Offsets in the file of a stretch of a value; of the whole value where it cannot be told."""
    where = offsets(document, scalar)
    if where is None:
        return scalar.start, scalar.end
    last = len(where) - 1
    start, end = min(max(start, 0), last), min(max(end, 0), last)
    if end <= start:
        return where[start], where[start] + 1
    return where[start], where[end - 1] + 1


def _of_flow(text: str, at: int, end: int, quote: str) -> Iterator[int]:
    """Plain and quoted values: line ends fold to a space, n empty lines to n line ends (YAML 1.1, 5.2 and 9.1)."""
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
            breaks = [found.start() for found in _BREAK.finditer(text, at, stop)]
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


def _of_block(text: str, scalar: Scalar) -> Iterator[int]:
    """Literal and folded blocks: each line of the value is a line of the file without its indentation."""
    header = _BREAK.search(text, scalar.start)
    if header is None:
        return
    at = header.end()
    value = scalar.value
    done = 0
    while done < len(value):
        found = _BREAK.search(text, at)
        stop = found.start() if found else len(text)
        line = text[at:stop]
        if scalar.style == "|":
            cut = value.find("\n", done)
            wanted = value[done:] if cut < 0 else value[done:cut]
            indent = len(line) - len(wanted) if line.endswith(wanted) else 0
        else:
            # Folded: a line of the file may be followed in the value by a space instead of a line end.
            body = line.lstrip(" ")
            indent = len(line) - len(body)
            while indent and not value.startswith(body, done) and value.startswith(line[indent - 1 :], done):
                indent -= 1
            wanted = body if value.startswith(body, done) else ""
            if wanted and value[done : done + 1] == " ":
                wanted = line[indent:]
            if not wanted and value[done : done + 1] != "\n" and not line.strip(" "):
                at = found.end() if found else len(text)
                continue
        yield from range(at + indent, at + indent + len(wanted))
        done += len(wanted)
        if done < len(value) and value[done] in " \n":
            yield stop
            done += 1
        if found is None:
            return
        at = found.end()


def find(node: Node, path: tuple[str | int, ...]) -> tuple[Node, Scalar | None]:
    """The deepest node that a path reaches, and its key; what shorthand left out is passed over.

    ``("all", "regulator", 1)`` in a plain list without labels is the item that reads «regulator».
    """
    key: Scalar | None = None
    for step in path:
        match node:
            case Mapping():
                value = node.get(str(step))
                if value is None:
                    short = _exact(node)
                    return (short or node), key
                key, node = node.key(str(step)), value
            case Sequence():
                found = _item(node, step, key)
                if found is not None:
                    node, key = found, None
            case Scalar():
                return node, key
    return node, key


def _exact(node: Mapping) -> Scalar | None:
    """``{EXACT}``: the one key is the value."""
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
