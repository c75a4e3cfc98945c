"""What feedparser is not given: documents over which it, or the parser under it, takes more than its share of time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from xml.parsers import expat

from bot.ports import ReadError
from bot.sources.kit.limits import MAX_ENTRIES

#: xml.sax goes through all attributes of an element for each of them: 50,000 would take a minute.
MAX_ATTRIBUTES = 1_000
#: Elements directly in another one. feedparser takes 30 µs for each; only a channel has thousands, its items.
MAX_CHILDREN = 2 * MAX_ENTRIES
#: A tag of so many attributes is at least so long; text of that length is common.
_LONG_TAG = re.compile(rb"<[^<]{4000}[^<]*")


def check(data: bytes) -> None:
    """Raises ReadError."""
    # 0.3 ms an item; where the items can be cut apart, only those that matter are left at this point.
    count = data.count(b"<item") + data.count(b"<entry")
    if count > MAX_ENTRIES:
        raise ReadError(f"refused: {count} items that can only be parsed together")
    is_odd = any(found[0].count(b"=") > MAX_ATTRIBUTES for found in _LONG_TAG.finditer(data))
    if is_odd or data.count(b"<") > MAX_CHILDREN:
        counts = _Counts()
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = counts.start
        parser.EndElementHandler = counts.end
        # Where it gives up, feedparser's does too, and the one that takes its place is linear.
        with contextlib.suppress(expat.ExpatError):
            parser.Parse(data, True)


class _Counts:
    def __init__(self) -> None:
        #: Of each open element.
        self._children = [0]

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if len(attributes) > MAX_ATTRIBUTES:
            raise ReadError(f"refused: an element with {len(attributes)} attributes")
        self._children[-1] += 1
        if self._children[-1] > MAX_CHILDREN:
            raise ReadError(f"refused: an element with more than {MAX_CHILDREN} others in it")
        self._children.append(0)

    def end(self, name: str) -> None:
        self._children.pop()
