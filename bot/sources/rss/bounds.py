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
#: A tag of so many attributes is at least so long; text of that length is common.
_LONG_TAG = re.compile(rb"<[^<]{4000}[^<]*")


def check(data: bytes) -> None:
    """Raises ReadError."""
    # 0.3 ms an item; where the items can be cut apart, only those that matter are left at this point.
    count = data.count(b"<item") + data.count(b"<entry")
    if count > MAX_ENTRIES:
        raise ReadError(f"refused: {count} items that can only be parsed together")
    if any(found[0].count(b"=") > MAX_ATTRIBUTES for found in _LONG_TAG.finditer(data)):
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = _count
        # Where it gives up, feedparser's does too, and the one that takes its place is linear.
        with contextlib.suppress(expat.ExpatError):
            parser.Parse(data, True)


def _count(name: str, attributes: Mapping[str, str]) -> None:
    if len(attributes) > MAX_ATTRIBUTES:
        raise ReadError(f"refused: an element with {len(attributes)} attributes")
