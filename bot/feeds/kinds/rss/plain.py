"""Texts, links, dates and elements of RSS and Atom that feedparser would return unchanged.

Pure. Raises NotPlain for a value that feedparser may change; its item is then left to feedparser.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.entities import entitydefs
from itertools import islice, pairwise
from xml.etree.ElementTree import Element, ParseError, iterparse

from bot import model
from bot.feeds.kit import fields

#: Resolved against any base it is what it was, and nothing in it looks like a reference.
_LINK = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?"
    r"(?:/[^\s<>\"';#?\[\]\\]*)?(?:\?[^\s<>\"';#\[\]\\]+)?(?:#[^\s<>\"';#\[\]\\]+)?",
    re.ASCII,
)
#: Of a scheme in which nothing is relative.
_NAME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]*:(?!//)[^\s\[\]]+", re.IGNORECASE)
_DOUBLY_ESCAPED = re.compile(r"&amp;(?=\w)", re.ASCII)
#: feedparser takes the controls of Unicode that are at the places of windows-1252's letters for these.
_WINDOWS = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}
_OF_WINDOWS = re.compile("[\x80-\x9f]")
_ENTITY = re.compile(r"&#?\w+;")
_NAMED_ENTITY = re.compile(r"&(\w+);")
_RFC822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4})"
    r" (\d\d):(\d\d):(\d\d) (?:GMT|UTC|([+-])([01]\d)([0-5]\d))",
    re.ASCII,
)
_MONTHS = {name: place for place, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


class NotPlain(Exception):
    """Feedparser may make something else of it."""


def mend_text(value: str) -> str:
    """Mended where it is UTF-8 that was read as latin-1, or windows-1252 that was read as Unicode."""
    value = value.strip()
    if value.isascii():
        return value
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    if _OF_WINDOWS.search(value):
        value = value.translate(_WINDOWS)
    if value[:1].isspace() or value[-1:].isspace():
        raise NotPlain  # only some of it is taken away again
    return value


def check_link(value: str) -> str:
    """The link without white space around it. Raises Odd."""
    value = value.strip()
    if not _LINK.fullmatch(value) or mend_text(value) != value:
        raise NotPlain
    return value


def check_rss_link(value: str) -> str:
    """The same of RSS, where "&" may be escaped twice. Raises Odd."""
    return check_link(_DOUBLY_ESCAPED.sub("&", value))


def check_identifier(value: str) -> str:
    """An id that is resolved as links are: an address, or a name that no base changes."""
    value = value.strip()
    return value if _NAME.fullmatch(value) and mend_text(value) == value else check_link(value)


def check_html(value: str) -> str:
    """Markup that needs no base address. Raises Odd."""
    value = mend_text(value)
    if fields.has_relative_links(value):
        raise NotPlain  # resolved against a base that is feedparser's to know
    return value


def convert_rss_text(value: str) -> str:
    """A text that may be HTML, as HTML. feedparser guesses: it is where its references are those that HTML knows."""
    if "<" in value:
        raise NotPlain  # which tags make it HTML is feedparser's to know
    is_html = _ENTITY.search(value) is not None and all(name in entitydefs for name in _NAMED_ENTITY.findall(value))
    return mend_text(value) if is_html else fields.escape_text(mend_text(value)) or ""


def convert_atom_text(value: str, kind: str) -> str:
    """A text of the given type, as HTML."""
    value = check_html(value)
    if kind not in ("text", "html"):
        raise NotPlain
    return value if kind == "html" else fields.escape_text(value) or ""


def parse_rfc822_date(value: str) -> datetime:
    """A date of RSS, in UTC. Raises Odd."""
    # The library's reader takes four times as long, and a baseline has thousands of dates.
    found = _RFC822.fullmatch(value.strip())
    if found is None:
        raise NotPlain
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    try:
        when = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign is None:
            return when
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return when - offset if sign == "+" else when + offset
    except (ValueError, OverflowError) as error:
        raise NotPlain from error


def parse_w3c_date(value: str) -> datetime:
    """A date of Atom, in UTC and whole seconds. Raises Odd."""
    value = value.strip()
    if not _W3C.fullmatch(value):
        raise NotPlain
    try:
        return datetime.fromisoformat(value).replace(microsecond=0).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotPlain from error


ATOM = "{http://www.w3.org/2005/Atom}"
RSS1 = "{http://purl.org/rss/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XML = "{http://www.w3.org/XML/1998/namespace}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
SYNDICATION = "{http://purl.org/rss/1.0/modules/syndication/}"
SLASH = "{http://purl.org/rss/1.0/modules/slash/}"
WFW = "{http://wellformedweb.org/CommentAPI/}"
THREADING = "{http://purl.org/syndication/thread/1.0}"
FEEDBURNER = "{http://rssnamespace.org/feedburner/ext/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"

_BY_PREFIX = {
    "rdf": RDF,
    "dc": DC,
    "content": CONTENT,
    "sy": SYNDICATION,
    "slash": SLASH,
    "wfw": WFW,
    "thr": THREADING,
    "feedburner": FEEDBURNER,
    "media": MEDIA,
}


def are_prefixes_usual(declared: Iterable[tuple[str, str]]) -> bool:
    """Whether each well-known prefix, where it is declared, is its own namespace's."""
    return all(_BY_PREFIX.get(prefix, f"{{{uri}}}") == f"{{{uri}}}" for prefix, uri in declared)


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


#: sy:updatePeriod (RSS 1.0 syndication module).
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST = timedelta(days=365)
_SKIP_HOURS = re.compile(r"<(/?)skipHours\s*+>", re.IGNORECASE)
_SKIP_DAYS = re.compile(r"<(/?)skipDays\s*+>", re.IGNORECASE)
#: Names of all hours or days take less.
_LONGEST_BLOCK = 2_000
#: A feed has one block of each.
_MOST_TAGS = 20
_HOUR = re.compile(r"<hour\s*>\s*(\d{1,2})\s*</hour\s*>", re.IGNORECASE)
_DAY = re.compile(r"<day\s*>\s*([A-Za-z]{3,9})\s*</day\s*>", re.IGNORECASE)


def longest_period(ttl: str | None, update_period: str | None, update_frequency: str | None) -> timedelta | None:
    """The longer of ttl (minutes) and the update period shared by its frequency; None: neither is said.

    >>> period("60", "daily", "4")
    datetime.timedelta(seconds=21600)
    """
    asked = [minutes for minutes in (_minutes(ttl), _syndication(update_period, update_frequency)) if minutes]
    return min(max(asked), _LONGEST) if asked else None


def add_skip_times(reading: model.ParsedFeed, text: str, *, remarks: tuple[str, ...]) -> model.ParsedFeed:
    """The reading with its skipHours and skipDays, which feedparser does not give, and with further remarks."""
    if "skip" not in text and "SKIP" not in text:
        return dataclasses.replace(reading, remarks=(*remarks, *reading.remarks))
    hours = [int(hour) % 24 for block in _skip_blocks(_SKIP_HOURS, text) for hour in _HOUR.findall(block)]
    names = [name.lower() for block in _skip_blocks(_SKIP_DAYS, text) for name in _DAY.findall(block)]
    return dataclasses.replace(
        reading,
        remarks=(*remarks, *reading.remarks),
        # RSS 0.91 counts from 1 to 24, RSS 2.0 from 0 to 23.
        skip_hours=tuple(sorted(set(hours))),
        skip_days=tuple(sorted({_DAYS.index(name) for name in names if name in _DAYS})),
    )


def _skip_blocks(tag: re.Pattern[str], text: str) -> Iterator[str]:
    """What is between an opening tag and the closing one that is the next."""
    tags = [*islice(tag.finditer(text), _MOST_TAGS)]
    for opened, closed in pairwise(tags):
        if not opened[1] and closed[1] and closed.start() - opened.end() <= _LONGEST_BLOCK:
            yield text[opened.end() : closed.start()]


def _minutes(ttl: str | None) -> timedelta | None:
    if not ttl or not ttl.isascii() or not ttl.isdigit() or not int(ttl[:9]):
        return None
    return timedelta(minutes=int(ttl[:7]))


def _syndication(update_period: str | None, frequency: str | None) -> timedelta | None:
    whole = _PERIODS.get((update_period or "").lower())
    if whole is None:
        return None
    times = int(frequency[:4]) if frequency and frequency.isascii() and frequency.isdigit() else 1
    return whole / max(times, 1)


#: What an element of an item is read as, by its name.
Roles = Mapping[str, str]

_ATOM_LINK, _MEDIA_TITLE = f"{ATOM}link", f"{MEDIA}title"


def _roles_of_rss(space: str) -> Roles:
    return {
        f"{space}title": "title",
        f"{space}link": "link",
        "guid": "guid",
        "pubDate": "published",
        f"{DC}date": "updated",
        f"{space}description": "summary",
        f"{CONTENT}encoded": "content",
        "author": "author",
        f"{DC}creator": "author",
        "category": "tag",
        f"{DC}subject": "tag",
        "source": "source",
        _MEDIA_TITLE: "media title",
    }


RSS_ROLES: Roles = _roles_of_rss("")
RDF_ROLES: Roles = _roles_of_rss(RSS1)
ATOM_ROLES: Roles = {
    **{f"{ATOM}{name}": name for name in ("title", "link", "id", "published", "updated", "summary", "content")},
    f"{ATOM}author": "author",
    f"{ATOM}category": "tag",
    _MEDIA_TITLE: "media title",
}
#: Elements without children that feedparser keeps under names that nobody here asks for.
_ASIDE = frozenset((
    "comments", "enclosure", f"{ATOM}rights",
    *(f"{WFW}{name}" for name in ("comment", "commentRss")),
    *(f"{SLASH}{name}" for name in ("comments", "department", "section", "hit_parade")),
    *(f"{DC}{name}" for name in ("format", "publisher", "rights", "type")),
    *(f"{MEDIA}{name}" for name in ("content", "copyright", "credit", "thumbnail")),
    f"{FEEDBURNER}origLink", f"{THREADING}total", "{com-wordpress:feed-additions:1}post-id",
))  # fmt: skip
#: Elements that may change id, link, title or date, wherever in an item they stand.
_TOUCHY = frozenset((
    "title", "link", "guid", "id", "pubdate", "published", "updated", "issued", "modified", "created", "date",
    "source", "image", "textinput", "lastbuilddate", "origlink", "language", "identifier", "valid", "item", "entry",
    "svg",
))  # fmt: skip


class Fields:
    """The elements of one item by what they are read as. Raises Odd."""

    def __init__(self, item: Element, roles: Roles) -> None:
        self._of: dict[str, list[Element]] = {}
        #: There is nothing else in the item.
        self.is_all = True
        self.attributes = item.attrib
        for child in item:
            role = roles.get(child.tag)
            if role is not None:
                self._of.setdefault(role, []).append(child)
            elif not is_aside(child):
                if _is_touchy(child):
                    raise NotPlain
                self.is_all = False
        # feedparser forgets behind a source that it has seen a title.
        if "source" in self._of and (
            "media title" in self._of or not self.is_all or any(len(source) for source in self._of["source"])
        ):
            raise NotPlain

    def all(self, role: str) -> Sequence[Element]:
        """The elements of a role, in order."""
        return self._of.get(role, ())

    def one(self, role: str) -> Element | None:
        """The only element of a role; None: there is none. Raises Odd for several, or for one with children."""
        found = self._of.get(role)
        if found is None:
            return None
        if len(found) > 1 or len(found[0]):
            raise NotPlain
        return found[0]

    def text(self, role: str) -> str:
        """Of an element without attributes; empty where there is none."""
        element = self.one(role)
        if element is None:
            return ""
        if element.attrib:
            raise NotPlain
        return text_of(element)


def is_aside(element: Element) -> bool:
    """Whether the element has no part in the article and may be left out."""
    if element.tag == _ATOM_LINK:
        kind = element.get("rel", "alternate").lower()
        return kind != "alternate" and "href" in element.attrib and not len(element)
    return element.tag in _ASIDE and not len(element)


def _is_touchy(element: Element) -> bool:
    return any(_is_touchy_name(each.tag) for each in element.iter())


@functools.lru_cache(maxsize=1000)
def _is_touchy_name(name: str) -> bool:
    return name != _MEDIA_TITLE and name.rpartition("}")[2].lower() in _TOUCHY
