"""The elements of a well-formed document, told by the same parser that feedparser listens to (expat).

Knows no feed: what an element means is for its reader.
"""

from __future__ import annotations

import io
from xml.etree.ElementTree import Element, ParseError, iterparse

__all__ = ["Element", "parse_elements", "text_of"]


def parse_elements(data: bytes) -> tuple[Element, set[tuple[str, str]]] | None:
    """The root, and each prefix with its namespace as declared anywhere; None: not well-formed.

    ``data`` is UTF-8 and declares no entities.
    """
    # No entities, so none that grow; expat opens no address.
    events = iterparse(io.BytesIO(data), ("start-ns",))  # noqa: S314
    try:
        declared = {namespace for _, namespace in events}
    except ParseError:
        return None
    root: Element = events.root  # type: ignore[attr-defined]  # documented; typeshed has it not
    return root, declared


def text_of(element: Element) -> str:
    """What it says up to its first child."""
    return element.text or ""
