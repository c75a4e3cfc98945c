"""Texts, links and dates that feedparser gives back as they are.

Pure. ``Odd`` says that a value is not surely one of these; its element is left to feedparser then.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from html.entities import entitydefs

from bot.sources.kit import links

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


class Odd(Exception):
    """Feedparser may make something else of it."""


def text(value: str) -> str:
    """Mended where it is UTF-8 that was read as latin-1, or windows-1252 that was read as Unicode."""
    value = value.strip()
    if value.isascii():
        return value
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    if _OF_WINDOWS.search(value):
        value = value.translate(_WINDOWS)
    if value[:1].isspace() or value[-1:].isspace():
        raise Odd  # only some of it is taken away again
    return value


def link(value: str) -> str:
    """The link without white space around it. Raises Odd."""
    value = value.strip()
    if not _LINK.fullmatch(value) or text(value) != value:
        raise Odd
    return value


def link_of_rss(value: str) -> str:
    """The same of RSS, where "&" may be escaped twice. Raises Odd."""
    return link(_DOUBLY_ESCAPED.sub("&", value))


def identifier(value: str) -> str:
    """An id that is resolved as links are: an address, or a name that no base changes."""
    value = value.strip()
    return value if _NAME.fullmatch(value) and text(value) == value else link(value)


def html(value: str) -> str:
    """Markup that needs no base address. Raises Odd."""
    value = text(value)
    if links.has_relative(value):
        raise Odd  # resolved against a base that is feedparser's to know
    return value


def of_rss(value: str) -> str:
    """A text that may be HTML, as HTML. feedparser guesses: it is where its references are those that HTML knows."""
    if "<" in value:
        raise Odd  # which tags make it HTML is feedparser's to know
    is_html = _ENTITY.search(value) is not None and all(name in entitydefs for name in _NAMED_ENTITY.findall(value))
    return text(value) if is_html else links.escaped(text(value)) or ""


def of_atom(value: str, kind: str) -> str:
    """A text of the given type, as HTML."""
    value = html(value)
    if kind not in ("text", "html"):
        raise Odd
    return value if kind == "html" else links.escaped(value) or ""


def rfc822(value: str) -> datetime:
    """A date of RSS, in UTC. Raises Odd."""
    # The library's reader takes four times as long, and a baseline has thousands of dates.
    found = _RFC822.fullmatch(value.strip())
    if found is None:
        raise Odd
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    try:
        when = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign is None:
            return when
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return when - offset if sign == "+" else when + offset
    except (ValueError, OverflowError) as error:
        raise Odd from error


def w3c(value: str) -> datetime:
    """A date of Atom, in UTC and whole seconds. Raises Odd."""
    value = value.strip()
    if not _W3C.fullmatch(value):
        raise Odd
    try:
        return datetime.fromisoformat(value).replace(microsecond=0).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Odd from error
