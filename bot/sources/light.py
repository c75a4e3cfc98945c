"""The identity of an old item, read without feedparser.

On a baseline most items are older than the backfill window: of those only id, link, title and date are kept. This
reader gives exactly what feedparser would, or nothing: any item of an unusual shape is left to feedparser.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from lxml import etree

from bot import model
from bot.sources.cut import Cut

_ATOM = "{http://www.w3.org/2005/Atom}"
_MEDIA = ("{http://search.yahoo.com/mrss/}", "{http://search.yahoo.com/mrss}")
#: Elements that may change id, link, title or date, wherever in an item they stand.
_TOUCHY = frozenset((
    "title", "link", "guid", "id", "pubdate", "published", "updated", "issued", "modified", "created", "date",
    "source", "image", "textinput", "lastbuilddate", "origlink", "language", "identifier", "valid", "item", "entry",
    "svg",
))  # fmt: skip
_PLAIN_LINK = re.compile(r"https?://[^\s<>\"'&;]+(?:&[^\s<>\"'&;]*)*")
_RFC822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4})"
    r" (\d\d):(\d\d):(\d\d) (?:GMT|UTC|([+-])([01]\d)([0-5]\d))"
)
_MONTHS = {name: place for place, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
_SCHEME = re.compile(r"(?:https?://[^\s/]|tag:|urn:)\S*")


def older(pieces: Cut, wanted: set[int], *, root: str, before: datetime) -> Mapping[int, model.Entry]:
    """Of the wanted items, by place: those that are surely dated before, for their identity only."""
    if root not in ("rss", "feed"):
        return {}
    elements = _elements(pieces.data, root)
    if len(elements) != len(pieces.items):
        return {}
    read = _atom if root == "feed" else _rss
    found: dict[int, model.Entry] = {}
    for place in wanted:
        entry = read(elements[place])
        date = (entry.published or entry.updated) if entry else None
        if entry is not None and date is not None and date < before:
            found[place] = entry
    return found


def _elements(data: bytes, root: str) -> list[etree._Element]:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        document = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return []
    if _has_base(document):
        return []
    if root == "feed":
        return [child for child in document if child.tag == f"{_ATOM}entry"] if document.tag == f"{_ATOM}feed" else []
    channels = document.findall("channel")
    return channels[0].findall("item") if len(channels) == 1 and not _has_base(channels[0]) else []


def _has_base(element: etree._Element) -> bool:
    return any(str(name).endswith("base") or str(name).endswith("}lang") for name in element.attrib)


def _rss(item: etree._Element) -> model.Entry | None:
    fields = _fields(item, ("title", "link", "guid", "pubDate"), space="")
    if fields is None or item.attrib or any(element.attrib for name, element in fields.items() if name != "guid"):
        return None
    link, date = _value(fields.get("link")), _rfc822(_value(fields.get("pubDate")))
    if not link or not _PLAIN_LINK.fullmatch(link) or link.endswith("?") or "#" in link or date is None:
        return None
    guid = _value(fields.get("guid"))
    if "guid" in fields and (not guid or not _is_plain_guid(fields["guid"], guid)):
        return None
    title = _title(_value(fields.get("title")), is_atom=False)
    if title is None:
        return None
    return model.Entry(guid=guid or None, link=link, title=title, published=date, identity_only=True)


def _is_plain_guid(element: etree._Element, guid: str) -> bool:
    attributes = {str(name).lower(): value for name, value in element.attrib.items()}
    if attributes.keys() - {"ispermalink"} or _is_altered(guid):
        return False
    # A permalink is resolved against the base, so only a whole address stays what it is.
    return attributes.get("ispermalink", "true") != "true" or _PLAIN_LINK.fullmatch(guid) is not None


def _atom(entry: etree._Element) -> model.Entry | None:
    fields = _fields(entry, ("title", "id", "published", "updated"), space=_ATOM)
    if fields is None or entry.attrib or any(fields[n].attrib for n in fields if n != "title"):
        return None
    links = [child for child in entry if child.tag == f"{_ATOM}link" and child.get("rel", "alternate") == "alternate"]
    if len(links) != 1 or links[0].get("type", "text/html") != "text/html" or _has_base(links[0]):
        return None
    link, guid = links[0].get("href", ""), _value(fields.get("id"))
    if not _PLAIN_LINK.fullmatch(link) or not guid or not _SCHEME.fullmatch(guid) or _is_altered(guid):
        return None
    dates = {name: _w3c(_value(fields[name])) for name in ("published", "updated") if name in fields}
    title = _title(_value(fields.get("title")), is_atom=True)
    if not dates or None in dates.values() or title is None or not _is_plain_title(fields["title"]):
        return None
    return model.Entry(
        guid=guid,
        link=link,
        title=title,
        published=dates.get("published"),
        updated=dates.get("updated"),
        identity_only=True,
    )


def _is_plain_title(title: etree._Element) -> bool:
    kind = title.get("type", "text")
    return set(title.attrib) <= {"type"} and kind in ("text", "html")


def _fields(item: etree._Element, names: tuple[str, ...], *, space: str) -> dict[str, etree._Element] | None:
    """The simple children of these names; None: something in the item may change their meaning."""
    fields: dict[str, etree._Element] = {}
    for element in item.iterdescendants():
        tag = element.tag
        if not isinstance(tag, str):
            return None  # an entity reference
        if not _is_touchy(tag):
            continue
        local = tag.rpartition("}")[2]
        is_own = element.getparent() is item
        if is_own and tag == space + local and local in names and local not in fields and not len(element):
            fields[local] = element
        elif local.lower() == "title" and tag.startswith(_MEDIA):
            continue  # never stands in the place of a title that is not empty
        elif not (space and is_own and tag == f"{_ATOM}link"):
            return None
    return fields


@functools.lru_cache(maxsize=1000)
def _is_touchy(tag: str) -> bool:
    return tag.rpartition("}")[2].lower() in _TOUCHY


def _value(element: etree._Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _title(text: str, *, is_atom: bool) -> str | None:
    """None: feedparser may make something else of it."""
    if not text or _is_altered(text) or "<" in text or "&" in text:
        return None
    return text if not is_atom or "\n" not in text else None


def _is_altered(text: str) -> bool:
    """feedparser mends text that looks like UTF-8 read as latin-1, and letters of windows-1252."""
    if text.isascii():
        return False
    if any("\x80" <= letter <= "\x9f" for letter in text):
        return True
    try:
        text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return False
    return True


def _rfc822(text: str) -> datetime | None:
    # The library's reader takes four times as long, and a baseline has thousands of dates.
    found = _RFC822.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    try:
        when = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign is None:
            return when
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return when - offset if sign == "+" else when + offset
    except (ValueError, OverflowError):
        return None


def _w3c(text: str) -> datetime | None:
    if not _W3C.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(microsecond=0).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
