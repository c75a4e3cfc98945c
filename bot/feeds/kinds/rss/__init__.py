"""Parse RSS 0.9x to 2.0, Atom and RDF.

A document is cut into items; the light parser parses plain ones, and feedparser all others.

The only file that imports feedparser, which gets no address to open: only bytes that were decoded and repaired, and of
those only the items that are new (see cut.py).
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from time import struct_time
from typing import Any
from xml.parsers import expat

from bot import model
from bot.feeds.kinds.rss import cut, light, plain
from bot.feeds.kinds.rss.light import Header
from bot.feeds.kit import charset, fields, sniff, xmltext
from bot.feeds.kit.fields import MAX_ENTRIES
from bot.feeds.kit.xmltext import without_asides
from bot.model import Body, ReadError
from bot.text.dates import DocumentDates

KIND = "rss"

_ATOM = "http://www.w3.org/2005/Atom"
_ENTRY = re.compile(r"<((?:[A-Za-z_][\w.-]*:)?)entry\b[^<>]*>")
_OF_ATOM = re.compile(rf"""xmlns(?::[\w.-]+)?\s*=\s*["'](?:{re.escape(_ATOM)}|http://purl\.org/atom/ns#)["']""")
_ROOTS = ("rss", "feed", "rdf", "channel")
#: Dates of which feedparser reads the beginning as a year or a day, or the hour without its half of the day or zone.
_HALF_READ = re.compile(
    r"^(?:(?:19|20)\d\d(?!-?\d\d|-?\d{3}$|$)|\d{4}-\D|\d{9}|\d{8}T|\d[^A-Za-z]*[^\x00-\x7f])|\d\s*[ap]\.?m\b"
    r"|\d\s(?:BST|CES?T|EES?T|MSK|PKT|IST|WIB|SGT|[JK]ST)$",
    re.IGNORECASE,
)
#: What feedparser raises on input that its authors did not meet.
_CONFUSED = (AssertionError, AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError)


class Source:
    """Parses RSS, Atom and RDF."""

    def recognises(self, body: Body) -> bool:
        return sniff.root_element(body.content, body.content_type) in _ROOTS or _in_feed(body) is not body

    def read(self, body: Body) -> model.ParsedFeed:
        """Blocking. Raises ReadError."""
        body = _in_feed(body)
        document = xmltext.prepare_xml(body, roots=_ROOTS)
        text, remarks = _mended(document)
        data = text.encode("utf-8", "replace")
        pieces = cut.cut_items(data, root=document.root, prefix=document.prefix, base=body.url)
        reading = _read_pieces(pieces, body, document) if pieces is not None else None
        if reading is None:
            reading = _read_whole(data, body)
        return plain.add_skip_times(reading, text, remarks=(*document.remarks, *remarks))


def _in_feed(body: Body) -> Body:
    """An Atom entry that is a document of its own (RFC 4287 section 2), in a feed; any other document as it is."""
    if sniff.root_element(body.content, body.content_type).rpartition(":")[2] != "entry":
        return body
    text = without_asides(charset.decode(body.content, body.content_type).text).strip()
    entry = _ENTRY.search(text)
    space = _OF_ATOM.search(entry[0]) if entry else None
    # Of half an entry the title may be half.
    if entry is None or space is None or not text.endswith(f"</{entry[1]}entry>"):
        return body
    whole = f"<{entry[1]}feed {space[0]}>{text[entry.start() :]}</{entry[1]}feed>".encode("utf-8", "replace")
    return dataclasses.replace(body, content=whole, content_type="application/atom+xml; charset=utf-8")


def parse_with_feedparser(data: bytes, url: str) -> tuple[Header, tuple[model.Entry, ...]]:
    """What feedparser makes of a whole document: its header and its entries. Raises ReadError."""
    import feedparser  # of odd documents only

    # It looks for a parser of 2006 before each document, on every folder of the path: 70 µs, and the import lock.
    feedparser.api.PREFERRED_XML_PARSERS.clear()
    check_bounds(data)
    try:
        parsed = feedparser.parse(
            io.BytesIO(data),
            response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
            # Both go through every piece of HTML with a slow parser. Relative links are made absolute where there
            # are any (links.py), and no HTML is shown to anybody: articles take the text out of it.
            resolve_relative_uris=False,
            sanitize_html=False,
        )
        language = _text(parsed.feed, "language") or "en"
        dates = DocumentDates()
        return _header(parsed.feed), tuple(_entry(entry, url, language, dates) for entry in parsed.entries)
    except _CONFUSED as error:
        raise ReadError(f"a feed that cannot be read: its XML is too broken ({type(error).__name__})") from error


def _mended(document: xmltext.XmlText) -> tuple[str, list[str]]:
    """The document with its end put back, and what to say of it. Raises ReadError where no item is whole."""
    text = document.text
    if not document.is_cut:
        return text, []
    data = text.encode("utf-8", "replace")
    count, end = cut.find_last_whole_item(data, root=document.root, prefix=document.prefix)
    if not count:
        # As a baseline it would make every item of the next poll new.
        raise ReadError("cut off before the end of its first item; it is polled again later")
    # The unfinished item is left for the next poll: half a title would be an article with an edited title then.
    has_more = re.search(rb"<\w", data[end:]) is not None
    remark = f"cut off after item {count}" if has_more else f"cut off at its end, after item {count}"
    text = data[:end].decode()
    if document.root == "rss" and not re.search(r"</channel\s*>", text):
        text += "</channel>"
    return f"{text}</{document.tag}>", [remark]


def _read_pieces(pieces: cut.Cut, body: Body, document: xmltext.XmlText) -> model.ParsedFeed | None:
    """The reading of the items that matter; None: the pieces do not agree with the whole."""
    kept, remark = fields.keep_ends(tuple(enumerate(pieces.items)))
    known = {place for place, item in kept if item.hash in body.known_hashes}
    wanted = [place for place, _ in kept if body.names_known or place not in known]
    plain = light.parse_light(pieces.only(wanted), root=document.root, before=body.identity_before)
    was_all_parsed = plain is not None and len(wanted) == len(pieces.items)
    if not was_all_parsed and not pieces.is_well_formed():
        return None
    entries: dict[int, model.Entry] = {}
    if plain is not None and len(plain.entries) == len(wanted):
        entries = {place: entry for place, entry in zip(wanted, plain.entries, strict=True) if entry is not None}
    header = plain.header if plain is not None else None
    left = [place for place in wanted if place not in entries]
    if left or header is None:
        header, read = parse_with_feedparser(pieces.only(left), body.url)
        if len(read) != len(left):
            return None
        entries.update(zip(left, read, strict=True))
    return _reading(
        header,
        tuple(fields.mark_known(entries[place], is_known=place in known) for place in wanted),
        remarks=(remark,) if remark else (),
        hashes=tuple(item.hash for _, item in kept),
    )


def _read_whole(data: bytes, body: Body) -> model.ParsedFeed:
    header, entries = parse_with_feedparser(data, body.url)
    entries, remark = fields.keep_ends(entries)
    return _reading(header, entries, remarks=(remark,) if remark else ())


def _reading(
    header: Header,
    entries: tuple[model.Entry, ...],
    *,
    remarks: tuple[str, ...],
    hashes: tuple[str, ...] = (),
) -> model.ParsedFeed:
    return model.ParsedFeed(
        title=header.title,
        link=header.link,
        language=header.language,
        entries=tuple(fields.bound_entry(entry) for entry in entries),
        remarks=remarks,
        ttl=header.ttl,
        item_hashes=hashes,
    )


def _header(feed: Any) -> Header:
    return Header(
        title=fields.plain_title(_text(feed, "title")),
        link=fields.web_address(_text(feed, "link")),
        language=_text(feed, "language"),
        ttl=plain.longest_period(_text(feed, "ttl"), _text(feed, "sy_updateperiod"), _text(feed, "sy_updatefrequency")),
    )


def _entry(found: Any, url: str, language: str, dates: DocumentDates) -> model.Entry:
    return model.Entry(
        guid=_text(found, "id"),
        link=fields.web_address(_text(found, "link"), url) or _other_link(found),
        title=_as_html(_text(found, "title"), found.get("title_detail") or {}),
        body=_body(found),
        author=_author(found),
        tags=tuple(dict.fromkeys(str(tag["term"]) for tag in found.get("tags", ()) if tag.get("term"))),
        published=_date(found, "published", language, dates) or _date(found, "created", language, dates),
        updated=_date(found, "updated", language, dates),
        language=_text(found.get("title_detail") or {}, "language"),
    )


def _text(found: dict[str, Any], key: str) -> str | None:
    # dict.get, since feedparser's own answers "updated" with "published" and a warning.
    value = dict.get(found, key)
    return (value.strip() or None) if isinstance(value, str) else None


def _date(found: dict[str, Any], key: str, language: str, dates: DocumentDates) -> datetime | None:
    value, written = dict.get(found, f"{key}_parsed"), _text(found, key)
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


def _author(found: dict[str, Any]) -> str | None:
    detail = found.get("author_detail")
    return (_text(detail, "name") if detail else None) or _text(found, "author")


def _other_link(found: dict[str, Any]) -> str | None:
    """An alternate link of a type that feedparser passes over (application/xhtml+xml, text/plain)."""
    for link in found.get("links", ()):
        if link.get("rel") == "alternate" and (address := fields.web_address(_text(link, "href"))):
            return address
    return None


def _body(found: dict[str, Any]) -> str | None:
    """The longest of summary and contents, with absolute links."""
    details = [*found.get("content", ())]
    summary = _text(found, "summary")
    if summary:
        details.append({**(found.get("summary_detail") or {}), "value": summary})
    bodies = [detail for detail in details if _text(detail, "value")]
    if not bodies:
        return None
    longest = max(bodies, key=lambda detail: len(detail["value"]))
    value = _as_html(_text(longest, "value"), longest)
    return fields.resolve_links(value, str(longest.get("base") or "")) if value else None


def _as_html(value: str | None, detail: dict[str, Any]) -> str | None:
    return fields.escape_text(value) if detail.get("type") == "text/plain" else value


#: xml.sax goes through all attributes of an element for each of them: 50,000 would take a minute.
MAX_ATTRIBUTES = 1_000
#: Elements directly in another one. feedparser takes 30 µs for each; only a channel has thousands, its items.
MAX_CHILDREN = 2 * MAX_ENTRIES
#: A tag of so many attributes is at least so long; text of that length is common.
_LONG_TAG = re.compile(rb"<[^<]{4000}[^<]*")


def check_bounds(data: bytes) -> None:
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
