"""Parse RSS 0.9x to 2.0, Atom and RDF.

A document is cut into its items (cut.py), and feedparser parses the new items with the feed's own title and links. At
a first poll, old_items.py reads most of the old items.
Only this file imports feedparser, with sax.py as its XML parser. It gets decoded and repaired bytes and never an
address to open.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import struct_time
from typing import Any
from xml.parsers import expat

from msgspec.structs import replace

from bot.feeds.kinds.rss import cut
from bot.feeds.kinds.rss.old_items import read_old_items
from bot.feeds.kit import fields, markup
from bot.feeds.kit.fields import MAX_ENTRIES
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from bot.patterns import LazyPattern
from bot.text.dates import DocumentDates

KIND = "rss"

_ROOTS = ("rss", "feed", "rdf", "channel")
#: Dates that feedparser misreads: it parses their beginning as a year or a day, or ignores am, pm or the zone.
_HALF_READ = LazyPattern(
    r"^(?:(?:19|20)\d\d(?!-?\d\d|-?\d{3}$|$)|\d{4}-\D|\d{9}|\d{8}T|\d[^A-Za-z]*[^\x00-\x7f])|\d\s*[ap]\.?m\b"
    r"|\d\s(?:BST|CES?T|EES?T|MSK|PKT|IST|WIB|SGT|[JK]ST)$",
    re.IGNORECASE,
)
#: Exceptions that feedparser raises on unexpected input.
_CONFUSED = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class Source:
    """Parses RSS, Atom and RDF."""

    def recognises(self, body: Body) -> bool:
        """Return whether the root element is a feed."""
        return markup.root_element(body.content, body.content_type) in _ROOTS

    def read(self, body: Body) -> ParsedFeed:
        """Parse a document. Blocking. Raises ReadError."""
        document = markup.prepare_xml(body, roots=_ROOTS)
        text, remarks = _mend_end(document)
        data = text.encode("utf-8", "replace")
        pieces = cut.cut_items(data, root=document.root, prefix=document.prefix, base=body.url)
        reading = _parse_new_items(pieces, body) if pieces is not None else None
        if reading is None:
            try:
                reading = parse_with_feedparser(data, body.url)
            except _CONFUSED as error:
                raise ReadError(f"its XML is too broken to be read ({type(error).__name__})") from error
        return replace(reading, remarks=(*document.remarks, *remarks, *reading.remarks))


def parse_with_feedparser(data: bytes, url: str) -> ParsedFeed:
    """Parse a document in UTF-8. Raises _CONFUSED, and ReadError if feedparser would take too long."""
    import feedparser  # not needed by most commands

    # feedparser passes these names to ``xml.sax.make_parser``.
    feedparser.api.PREFERRED_XML_PARSERS[:] = ["bot.feeds.kinds.rss.sax"]
    check_bounds(data)
    parsed = feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
        # Both options would run a slow parser over all HTML. ``_body`` resolves relative links, and sanitising is
        # not needed because articles contain only the text.
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    language, dates = _text(parsed.feed, "language") or "en", DocumentDates()
    entries, faults = fields.parse_each(
        parsed.entries,
        lambda entry: _entry(entry, url, language, dates),
        lambda entry: fields.hash_item(repr(entry).encode("utf-8", "replace"), url),
    )
    return replace(_parsed_feed(parsed.feed, entries), faulty_items=faults)


def _parsed_feed(feed: dict[str, Any], entries: Iterable[Entry]) -> ParsedFeed:
    return ParsedFeed(
        title=fields.plain_title(_text(feed, "title")),
        link=fields.web_address(_text(feed, "link")),
        language=_text(feed, "language"),
        entries=tuple(entries),
        ttl=_longest_period(_text(feed, "ttl"), _text(feed, "sy_updateperiod"), _text(feed, "sy_updatefrequency")),
    )


def _mend_end(document: markup.XmlText) -> tuple[str, tuple[str, ...]]:
    """Restore the end of a document that was cut off; also return remarks. Raises ReadError if no item is complete."""
    text = document.text
    if not document.is_cut:
        return text, ()
    data = text.encode("utf-8", "replace")
    count, end = cut.find_last_whole_item(data, root=document.root, prefix=document.prefix)
    if not count:
        # Refuse it, because after an empty first poll all items of the next poll would count as new.
        raise ReadError("cut off before the end of its first item; it is polled again later")
    # Leave the unfinished item to the next poll, which would otherwise report its completed title as an edit.
    has_more = re.search(rb"<\w", data[end:]) is not None
    remark = f"cut off after item {count}" if has_more else f"cut off at its end, after item {count}"
    text = data[:end].decode()
    if document.root == "rss" and not re.search(r"</channel\s*>", text):
        text += "</channel>"
    return f"{text}</{document.tag}>", (remark,)


def _parse_new_items(pieces: cut.Cut, body: Body) -> ParsedFeed | None:
    """Parse the new items; return None if feedparser's result does not have an entry for each."""
    kept, too_many = fields.keep_ends(tuple(enumerate(pieces.items)))
    known_places = {place for place, item in kept if item.hash in body.known_hashes}
    new_places = [place for place, _ in kept if body.names_known or place not in known_places]
    entries = _read_old_items(pieces, new_places, body.identity_before) if body.identity_before else {}
    reading, places = _parse_items(pieces, [place for place in new_places if place not in entries], body.url)
    if len(reading.entries) != len(places):
        return None
    entries.update(zip(places, reading.entries, strict=True))
    return replace(
        reading,
        entries=tuple(
            fields.mark_known(entries[place], is_known=place in known_places)
            for place in new_places
            if place in entries
        ),
        remarks=too_many,
        # Items at fault stay unknown, so that they are parsed again.
        item_hashes=tuple(item.hash for place, item in kept if place in entries or place in known_places),
    )


def _read_old_items(pieces: cut.Cut, places: Sequence[int], before: datetime) -> dict[int, Entry]:
    """Return the items that are older than ``before`` by place, without those whose text is needed (``SAMPLE``)."""
    entries = read_old_items(pieces.only(places), before=before)
    if len(entries) != len(places):
        return {}
    placed = zip(places, entries, strict=True)
    return {place: entry for place, entry in islice(placed, fields.SAMPLE, None) if entry is not None}


def _parse_items(pieces: cut.Cut, places: Sequence[int], url: str) -> tuple[ParsedFeed, Sequence[int]]:
    """Parse the items at these places. Return the parsed document, and the places of its entries.

    If feedparser raises an error, each item is parsed alone, so that all items but those at fault are returned.
    """
    try:
        reading = parse_with_feedparser(pieces.only(places), url)
    except _CONFUSED:
        reading = parse_with_feedparser(pieces.only(()), url)
    else:
        return reading, places

    def parse_alone(place: int) -> tuple[int, Entry]:
        [entry] = parse_with_feedparser(pieces.only((place,)), url).entries
        return place, entry

    placed, faults = fields.parse_each(places, parse_alone, lambda place: pieces.items[place].hash)
    entries = tuple(entry for _, entry in placed)
    return replace(reading, entries=entries, faulty_items=faults), [place for place, _ in placed]


def _entry(parsed: Any, url: str, language: str, dates: DocumentDates) -> Entry:
    source = parsed.get("source") or {}
    return Entry(
        guid=_text(parsed, "id"),
        # feedparser ignores alternate links that are not HTML, such as text/plain.
        link=fields.web_address(_text(parsed, "link"), url) or _find_page(parsed),
        title=_as_html(_text(parsed, "title"), parsed.get("title_detail") or {}),
        body=_body(parsed),
        author=_text(parsed.get("author_detail") or {}, "name") or _text(parsed, "author"),
        tags=tuple(dict.fromkeys(str(tag["term"]) for tag in parsed.get("tags", ()) if tag.get("term"))),
        published=_date(parsed, "published", language, dates) or _date(parsed, "created", language, dates),
        updated=_date(parsed, "updated", language, dates),
        language=_text(parsed.get("title_detail") or {}, "language"),
        picture=fields.find_picture(_pictures(parsed)),
        outlet=_text(source, "title") or _text(parsed, "news_source"),
        outlet_address=fields.web_address(_text(source, "href"), url),
    )


def _pictures(parsed: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from parsed.get("media_content", ())
    yield from ({**thumbnail, "medium": "image"} for thumbnail in parsed.get("media_thumbnail", ()))
    for link in parsed.get("links", ()):
        if link.get("rel") == "enclosure":
            yield {"url": link.get("href"), "type": link.get("type")}


def _text(parsed: dict[str, Any], key: str) -> str | None:
    # Use dict.get, because feedparser's own get returns "published" for "updated", with a warning.
    value = dict.get(parsed, key)
    return (value.strip() or None) if isinstance(value, str) else None


def _date(parsed: dict[str, Any], key: str, language: str, dates: DocumentDates) -> datetime | None:
    value, written = dict.get(parsed, f"{key}_parsed"), _text(parsed, key)
    if written and (value is None or _HALF_READ.search(written)):
        date = dates.parsed(written, language)
        if date or written[:4].isdigit():
            return date
    if not isinstance(value, (struct_time, tuple)):
        return None
    try:
        year, month, day, hour, minute, second = value[:6]
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)  # 60 is a leap second
    except (ValueError, OverflowError):
        return None


def _find_page(parsed: dict[str, Any]) -> str | None:
    """Return the first web address of an alternate link."""
    addresses = (_text(link, "href") for link in parsed.get("links", ()) if link.get("rel") == "alternate")
    return next(filter(None, map(fields.web_address, addresses)), None)


def _body(parsed: dict[str, Any]) -> str | None:
    """Return the longest of summary and contents, with absolute links."""
    details = [*parsed.get("content", ())]
    summary = _text(parsed, "summary")
    if summary:
        details.append({**(parsed.get("summary_detail") or {}), "value": summary})
    bodies = [detail for detail in details if _text(detail, "value")]
    if not bodies:
        return None
    longest = max(bodies, key=lambda detail: len(detail["value"]))
    value = _as_html(_text(longest, "value"), longest)
    return fields.resolve_links(value, str(longest.get("base") or "")) if value else None


def _as_html(value: str | None, detail: dict[str, Any]) -> str | None:
    return fields.escape_text(value) if detail.get("type") == "text/plain" else value


#: Maximum attributes of an element. xml.sax takes quadratic time: 50,000 attributes would take a minute.
MAX_ATTRIBUTES = 1_000
#: Maximum children of an element. feedparser takes 30 µs for each child. Only a channel has thousands (its items).
MAX_CHILDREN = 2 * MAX_ENTRIES
#: Maximum elements, and elements inside one another. feedparser takes 40 µs for each; no feed comes near.
MAX_ELEMENTS, MAX_DEPTH = 200_000, 500
#: A tag and the text after it, if together they are long enough for too many attributes.
_LONG_TAG = LazyPattern(rb"<[^<]{4000}[^<]*")


def check_bounds(data: bytes) -> None:
    """Raise ReadError if feedparser would take too long for the document."""
    # Limit the items, because feedparser takes 0.3 ms for each. A caller that can split the document into items
    # passes only the new ones.
    count = data.count(b"<item") + data.count(b"<entry")
    if count > MAX_ENTRIES:
        raise ReadError(f"refused: {count} items that cannot be parsed separately")
    has_long_tag = any(tag[0].count(b"=") > MAX_ATTRIBUTES for tag in _LONG_TAG.finditer(data))
    if has_long_tag or data.count(b"<") > MAX_CHILDREN:
        counts = _Counts()
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = counts.start
        parser.EndElementHandler = counts.end
        try:
            parser.Parse(data, True)
        except expat.ExpatError:
            # feedparser uses its loose parser, which takes as long for each tag.
            if data.count(b"<") > MAX_ELEMENTS:
                raise ReadError(f"refused: not well-formed, with more than {MAX_ELEMENTS} tags") from None


class _Counts:
    def __init__(self) -> None:
        #: Number of children of each open element.
        self._children = [0]
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if len(attributes) > MAX_ATTRIBUTES:
            raise ReadError(f"refused: an element with {len(attributes)} attributes")
        self._children[-1] += 1
        if self._children[-1] > MAX_CHILDREN:
            raise ReadError(f"refused: an element with more than {MAX_CHILDREN} children")
        self._children.append(0)
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise ReadError(f"refused: more than {MAX_ELEMENTS} elements")
        if len(self._children) > MAX_DEPTH:
            raise ReadError(f"refused: more than {MAX_DEPTH} elements inside one another")

    def end(self, name: str) -> None:
        self._children.pop()


#: sy:updatePeriod (RSS 1.0 syndication module).
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_LONGEST_PERIOD = timedelta(days=365)


def _longest_period(ttl: str | None, update_period: str | None, update_frequency: str | None) -> timedelta | None:
    """Return the longer of ttl (minutes) and the update period divided by its frequency, or None without either.

    >>> _longest_period("60", "daily", "4")
    datetime.timedelta(seconds=21600)
    """
    minutes = int(ttl[:7]) if ttl and ttl.isascii() and ttl.isdigit() else 0
    period = _PERIODS.get((update_period or "").lower(), timedelta())
    if update_frequency and update_frequency.isascii() and update_frequency.isdigit():
        period /= max(int(update_frequency[:4]), 1)
    return min(max(timedelta(minutes=minutes), period), _LONGEST_PERIOD) or None
