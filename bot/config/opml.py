"""Read feeds from OPML with listparser, which reads broken files too, and write feeds as OPML."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import replace

import msgspec
from lxml import etree

from bot import keys
from bot.feeds.kit import markup
from bot.model import visible
from bot.model.feeds import Feed, feed_place
from bot.patterns import LazyPattern

#: Maximum size of a subscription list.
MAX_BYTES = 2_000_000
_NOT_XML = LazyPattern("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class OpmlReading(msgspec.Struct, frozen=True, kw_only=True):
    """The feeds of a file; a feed's folders and categories are its tags."""

    feeds: tuple[Feed, ...]
    #: Messages for people about omitted feeds and flaws of the file.
    problems: tuple[str, ...] = ()


def read_opml(content: bytes) -> OpmlReading:
    """Read a file. Never raises. For a file that is not OPML, return no feeds and a problem."""
    import listparser  # imports requests if it is installed

    if len(content) > MAX_BYTES:
        return OpmlReading(
            feeds=(), problems=(f"the file has more than {MAX_BYTES // 1_000_000} MB: too big for a list of feeds",)
        )
    flaw = _find_flaw(content)
    problems = [flaw] if flaw else []
    #: The feeds by place (``model.feed_place``).
    feeds: dict[str, Feed] = {}
    # Decode the file here, because listparser takes it for Windows-1252 if it has no byte order mark.
    text = strip_unprintable(markup.decode(content, "").text)
    for entry in listparser.parse(codecs.BOM_UTF8 + text.encode())["feeds"]:
        feed = _make_feed(entry["url"], entry["title"], entry["categories"])
        if feed is None:
            problems.append(f"{entry['url']!r} is not an http or https address, so it was omitted")
            continue
        place = feed_place(feed.url)
        if earlier := feeds.get(place):
            # If an address has two spellings, keep the one with https.
            url = feed.url if feed.url.startswith("https:") and earlier.url.startswith("http:") else earlier.url
            tags = tuple(dict.fromkeys((*earlier.tags, *feed.tags)))
            feeds[place] = replace(earlier, url=url, name=earlier.name or feed.name, tags=tags)
        else:
            feeds[place] = feed
    if not feeds:
        problems.append("no feed is listed: the file has no <outline> with an xmlUrl")
    return OpmlReading(feeds=tuple(feeds.values()), problems=tuple(problems))


def write_opml(feeds: Iterable[Feed]) -> str:
    """Return the feeds as OPML 2.0. Tags become categories, because a feed can be in only one folder."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Wirewatch"
    body = etree.SubElement(root, "body")
    for feed in feeds:
        name = strip_unprintable(visible.dropped(feed.name or feed.url))
        line = etree.SubElement(
            body, "outline", type="rss", text=name, title=name, xmlUrl=strip_unprintable(visible.masked(feed.url))
        )
        if feed.tags:
            line.set(
                "category", ",".join(strip_unprintable(visible.dropped(tag.replace(",", " "))) for tag in feed.tags)
            )
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8").decode() + "\n"


def _find_flaw(content: bytes) -> str | None:
    """Return the problem of the file as a whole, or None."""
    if b"<!ENTITY" in content:  # an entity may refer to a file or expand without limit
        return "the file declares entities, which are not expanded"
    try:
        etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        text = str(error).split(", line ")[0]
        return f"line {error.lineno or 1}: not well-formed XML ({text}); some feeds may be missing"
    return None


def _make_feed(written: str, title: str, categories: Iterable[Iterable[str]]) -> Feed | None:
    """Return the feed, or None if its address is not a web address."""
    # Some readers put "feed:" before an address (feed://x.org, feed:https://x.org).
    url = re.sub(r"\Afeed:(//)?", lambda prefix: "http://" if prefix[1] else "", written, flags=re.IGNORECASE)
    parts = keys.split_address(url)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or re.search(r"\s", url):
        return None
    name = " ".join(title.split())
    tags = (" ".join(tag.split()) for category in categories for tag in category)
    return Feed(
        url=url,
        name=name if name and name != url else None,
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
    )


def strip_unprintable(text: str) -> str:
    """Remove the characters that XML does not allow."""
    return _NOT_XML.sub("", text)
