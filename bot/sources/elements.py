"""The elements of a well-formed document, told by the same parser that feedparser listens to.

Knows no feed: what an element means is for its reader.
"""

from __future__ import annotations

from xml.parsers import expat

#: Text comes in pieces of at most this size; nearly every field of a feed is one.
_PIECE_BYTES = 65_536
#: Elements of a feed stand five or six deep; whoever walks through them by recursion need not fear deeper ones.
_DEEPEST = 50


class _TooDeep(Exception):
    pass


class Element:
    """``name`` is the local name, behind its namespace and a space where it has one; so are the attributes' names."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        #: Up to its first child.
        self.text = ""
        self.children: list[Element] = []


def read(data: bytes) -> tuple[Element, set[tuple[str, str]]] | None:
    """The root, and each prefix with its namespace as declared anywhere; None: not well-formed, or nested without end.

    ``data`` is UTF-8 and declares no entities.
    """
    outermost = Element("", {})
    path = [outermost]
    declared: set[tuple[str, str]] = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > _DEEPEST:
            raise _TooDeep
        element = Element(name, attributes)
        path[-1].children.append(element)
        path.append(element)

    def end(_name: str) -> None:
        path.pop()

    def characters(text: str) -> None:
        # What stands between a million children would be copied a million times.
        if not path[-1].children:
            path[-1].text += text

    def declare(prefix: str | None, uri: str | None) -> None:
        declared.add((prefix or "", uri or ""))

    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.buffer_size = _PIECE_BYTES
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartNamespaceDeclHandler = declare
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _TooDeep):
        return None
    return outermost.children[0], declared
