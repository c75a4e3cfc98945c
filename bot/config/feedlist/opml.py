"""Read and write feeds as OPML. Everything readable in a broken file is read; the rest is reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from lxml import etree

from bot import model
from bot.config.feedlist import outlines
from bot.config.feedlist.outlines import Outline
from bot.model import visible

#: Maximum size of a subscription list.
MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlReading:
    """The feeds of a file; a feed's folders and categories are its tags."""

    feeds: tuple[model.Feed, ...]
    #: Messages for people, each with its place: what was omitted, and what was repaired.
    problems: tuple[str, ...] = ()


def read_opml(content: bytes) -> OpmlReading:
    """Read a file; never raises. A file that is not OPML gives no feeds and a problem."""
    if len(content) > MAX_BYTES:
        return OpmlReading(
            feeds=(), problems=(f"the file has more than {MAX_BYTES // 1_000_000} MB: too big for a list of feeds",)
        )
    found_outlines, flaw = _outlines(content)
    problems = [flaw] if flaw else []
    #: By place.
    feeds: dict[str, model.Feed] = {}
    for outline in found_outlines:
        feed = _feed(outline, problems)
        if feed is None:
            continue
        place = model.feed_place(feed.url)
        if earlier := feeds.get(place):
            # Keep the secure one of two spellings of an address.
            url = feed.url if feed.url.startswith("https:") and earlier.url.startswith("http:") else earlier.url
            tags = tuple(dict.fromkeys((*earlier.tags, *feed.tags)))
            feeds[place] = replace(earlier, url=url, name=earlier.name or feed.name, tags=tags)
        else:
            feeds[place] = feed
    if not feeds:
        problems.append("no feed is listed: the file has no <outline> with an xmlUrl")
    return OpmlReading(feeds=tuple(feeds.values()), problems=tuple(problems))


def write_opml(feeds: Iterable[model.Feed]) -> str:
    """Return OPML 2.0; tags are categories, since a feed has many tags but can be in one folder only."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Wirewatch"
    body = etree.SubElement(root, "body")
    for feed in feeds:
        name = outlines.printable(visible.dropped(feed.name or feed.url))
        line = etree.SubElement(
            body, "outline", type="rss", text=name, title=name, xmlUrl=outlines.printable(visible.masked(feed.url))
        )
        if feed.tags:
            line.set(
                "category", ",".join(outlines.printable(visible.dropped(tag.replace(",", " "))) for tag in feed.tags)
            )
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8").decode() + "\n"


def _outlines(content: bytes) -> tuple[Sequence[Outline], str | None]:
    """Return the outlines, and what is wrong with the whole file, or None."""
    if b"<!ENTITY" in content:  # an entity can name a file or grow without bound; the scanner expands none
        return outlines.scan(content), "the file declares entities, which are not expanded"
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        text = str(error).split(", line ")[0]
        return outlines.scan(
            content
        ), f"line {error.lineno or 1}: not well-formed XML ({text}); read as far as it can be"
    return tuple(_walked(root)), None


def _walked(root: etree._Element) -> Iterator[Outline]:
    for element in root.iter("{*}outline"):
        above = [str(folder.get("text") or folder.get("title") or "") for folder in element.iterancestors("{*}outline")]
        attributes = {str(name).casefold(): str(value) for name, value in element.attrib.items()}
        yield Outline(line=_line_of(element), attributes=attributes, folders=tuple(reversed(above)))


def _line_of(element: etree._Element) -> int:
    line: object = element.sourceline  # the stubs leave its type open
    return line if isinstance(line, int) else 0


def _feed(outline: Outline, problems: list[str]) -> model.Feed | None:
    attributes = outline.attributes
    name = " ".join((attributes.get("title") or attributes.get("text") or "").split())
    url = _address(attributes.get("xmlurl", ""))
    if not url:
        if attributes.get("type", "").casefold() in ("rss", "atom"):
            problems.append(f"line {outline.line}: '{name}' has no xmlUrl: omitted")
        return None
    if not _is_web(url):
        problems.append(f"line {outline.line}: {url!r} is not an http or https address: omitted")
        return None
    categories = (path.rpartition("/")[2] for path in attributes.get("category", "").split(","))
    tags = (" ".join(tag.split()) for tag in (*outline.folders, *categories))
    return model.Feed(
        url=url,
        name=name if name and name != url else None,
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
    )


def _address(url: str) -> str:
    """Remove ``feed:``, which some readers put before an address (feed://x.org, feed:https://x.org)."""
    url = url.strip()
    if url.casefold().startswith("feed:"):
        rest = url[len("feed:") :]
        url = f"http:{rest}" if rest.startswith("//") else rest
    return url


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in url
