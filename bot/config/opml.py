"""Read and write feeds as OPML. Everything readable in a broken file is read; the rest is reported.

40 of the 59 lists that one maintained project publishes are not well-formed: bare ampersands, quotation marks or tags
inside values. XML parsers that recover from a flaw drop the attributes after it, such as the address. So a regular
expression scans the <outline> tags, and the XML parser only finds the flaw to report.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lxml import etree

from bot import keys
from bot.model import visible
from bot.model.feeds import Feed, feed_place

#: Maximum size of a subscription list.
MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlReading:
    """The feeds of a file; a feed's folders and categories are its tags."""

    feeds: tuple[Feed, ...]
    #: Messages for people about omitted feeds and repaired flaws, most of them with a line number.
    problems: tuple[str, ...] = ()


def read_opml(content: bytes) -> OpmlReading:
    """Read a file. Never raises. For a file that is not OPML, return no feeds and a problem."""
    if len(content) > MAX_BYTES:
        return OpmlReading(
            feeds=(), problems=(f"the file has more than {MAX_BYTES // 1_000_000} MB: too big for a list of feeds",)
        )
    flaw = _find_flaw(content)
    problems = [flaw] if flaw else []
    #: The feeds by place (``model.feed_place``).
    feeds: dict[str, Feed] = {}
    for outline in scan_outlines(_decode(content)):
        feed = _read_feed(outline, problems)
        if feed is None:
            continue
        place = feed_place(feed.url)
        if earlier := feeds.get(place):
            # Of two spellings of an address, keep the one with https.
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
        return f"line {error.lineno or 1}: not well-formed XML ({text}); it was read as far as possible"
    return None


def _read_feed(outline: Outline, problems: list[str]) -> Feed | None:
    attributes = outline.attributes
    name = " ".join((attributes.get("title") or attributes.get("text") or "").split())
    url = _clean_address(attributes.get("xmlurl", ""))
    if not url:
        if attributes.get("type", "").casefold() in ("rss", "atom"):
            problems.append(f"line {outline.line}: '{name}' has no xmlUrl, so it was omitted")
        return None
    parts = keys.split_address(url)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or re.search(r"\s", url):
        problems.append(f"line {outline.line}: {url!r} is not an http or https address, so it was omitted")
        return None
    categories = (path.rpartition("/")[2] for path in attributes.get("category", "").split(","))
    tags = (" ".join(tag.split()) for tag in (*outline.folders, *categories))
    return Feed(
        url=url,
        name=name if name and name != url else None,
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
    )


def _clean_address(url: str) -> str:
    """Remove ``feed:``, which some readers put before an address (feed://x.org, feed:https://x.org)."""
    url = url.strip()
    if url.casefold().startswith("feed:"):
        address = url[len("feed:") :]
        url = f"http:{address}" if address.startswith("//") else address
    return url


_NAME = r"[A-Za-z_][\w:.-]*"
#: The value of an attribute, which may have several lines. An unclosed value ends before the next <outline>.
_VALUE = r"(?:(?!<outline)[\s\S]){0,20000}?"
#: A value may contain quotation marks; it ends at the one before the next attribute or the end of the tag.
_ATTRIBUTE = re.compile(
    rf"""\s*({_NAME})\s*=\s*(?:"({_VALUE})"|'({_VALUE})')(?=\s+{_NAME}\s*=\s*["']|\s*/?>\s*(?:<|\Z))"""
)
_TAG = re.compile(r"<(/?)outline\b", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(?:(?!--)[\s\S])*-->")
_TAG_END = re.compile(r"\s*(/?)>")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]+)""")
#: Only the entities that XML defines, so that “&lang=en” in an address is not read as an entity.
_REFERENCE = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6}));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Maximum depth of folders.
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One <outline> tag, with its place in the file and in the folders."""

    line: int
    #: The attributes by their names in lower case.
    attributes: Mapping[str, str]
    #: Titles of the enclosing outlines, outermost first.
    folders: tuple[str, ...]


def strip_unprintable(text: str) -> str:
    """Remove the characters that XML does not allow."""
    return _NOT_XML.sub("", text)


def scan_outlines(text: str) -> Iterator[Outline]:
    """Yield every outline whose tag is recognisable, in order, except in comments."""
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    folders: list[str] = []
    line, counted, position = 1, 0, 0
    while match := _TAG.search(text, position):
        line += text.count("\n", counted, match.start())
        counted, position = match.start(), match.end()
        if match[1]:
            if folders:
                folders.pop()
            continue
        attributes, position = _scan_attributes(text, position)
        yield Outline(line=line, attributes=attributes, folders=tuple(folders))
        end = _TAG_END.match(text, position)
        if end is not None:
            position = end.end()
        # An incomplete or self-closing tag opens no folder.
        if end is not None and not end[1] and len(folders) < _MAX_DEPTH:
            folders.append(attributes.get("text") or attributes.get("title") or "")


def _scan_attributes(text: str, position: int) -> tuple[dict[str, str], int]:
    attributes: dict[str, str] = {}
    while match := _ATTRIBUTE.match(text, position):
        attributes.setdefault(match[1].casefold(), _REFERENCE.sub(_unescape, match[2] or match[3] or ""))
        position = match.end()
    return attributes, position


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return _NAMED[match[1]]
    code = int(match[2]) if match[2] else int(match[3], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]


def _decode(content: bytes) -> str:
    for bom, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(bom):
            return content[len(bom) :].decode(codec, "replace")
    declared = _DECLARED.match(content[:200])
    try:
        return content.decode(declared[1].decode() if declared else "utf-8", "replace")
    except (LookupError, UnicodeError):
        return content.decode("utf-8", "replace")
