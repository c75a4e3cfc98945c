"""Limit the fields of an entry; resolve and check addresses; convert plain text to HTML and back.

Pure, and independent of the kind of feed. The limits are far above any real feed, and keep hostile documents from
filling the memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from lxml import etree, html
from msgspec.structs import replace

from bot.model.errors import ReadError
from bot.model.feeds import Entry, FaultyItem, ParsedFeed
from bot.model.fetching import Body
from bot.model.quarantine import describe_error
from bot.patterns import LazyPattern

T = TypeVar("T")
R = TypeVar("R")

MAX_ENTRIES = 5_000
MAX_TITLE = 2_000
MAX_BODY = 1_000_000
MAX_ADDRESS = 8_000
MAX_NAME = 300
MAX_TAGS = 100
#: Number of items at the top of a feed that keep their text at a first poll even if they are old, so that the feed's
#: boilerplate can be learned from them. Of 45 real feeds, eight items teach what twelve do; six miss a footer of one.
SAMPLE = 8
#: Maximum length of a language tag (RFC 5646 section 4.4.1).
_MAX_LANGUAGE = 35


#: Maximum length of a picture's address.
MAX_PICTURE = 1_000
#: A public host: a name with a dot, whose last label is not a number.
_PUBLIC_HOST = LazyPattern(r"(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{1,62}\.?")
_PRIVATE_NAMES = tuple(f".{name}" for name in "local localhost internal intranet lan home corp arpa onion".split())
_PICTURE_FILE = LazyPattern(r"\.(?:jpe?g|png|webp|gif|avif)\Z", re.IGNORECASE)


def picture_address(written: str) -> str:
    """Return a picture's address that a message may show, or "" if it is not https on a public host, or is odd.

    The bot never requests the address, but the program of each reader may.

    >>> picture_address("https://img.example/a.jpg"), picture_address("https://127.0.0.1/a.jpg")
    ('https://img.example/a.jpg', '')
    """
    address = written.strip()
    is_plain = address.isascii() and address.isprintable() and not set(address) & set(' "<>\\')
    if len(address) > MAX_PICTURE or not is_plain:
        return ""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    is_public = _PUBLIC_HOST.fullmatch(host) and not host.rstrip(".").endswith(_PRIVATE_NAMES)
    return address if parts.scheme == "https" and is_public and port in (None, 443) and "@" not in parts.netloc else ""


def find_picture(candidates: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the address of the first picture among elements with the attributes url, type and medium, or None."""
    for candidate in candidates:
        kind, medium = str(candidate.get("type") or ""), str(candidate.get("medium") or "")
        is_typed = bool(kind or medium)
        if is_typed and medium != "image" and not kind.startswith("image/"):
            continue
        address = picture_address(str(candidate.get("url") or ""))
        if address and (is_typed or _PICTURE_FILE.search(urlsplit(address).path)):
            return address
    return None


def keep_ends(items: Sequence[T]) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """Return at most MAX_ENTRIES of the items, and a remark if there are more.

    Keep both ends, because new items are at the top of most feeds and at the bottom of some.
    """
    if len(items) <= MAX_ENTRIES:
        return tuple(items), ()
    half = MAX_ENTRIES // 2
    return (*items[:half], *items[-half:]), (f"{len(items)} items; only the first and the last {half} are read",)


def bound_entry(entry: Entry) -> Entry:
    """Return the entry with every field within its limit."""
    if is_within_bounds(entry):
        return entry
    guid = entry.guid or None
    if guid and len(guid) > MAX_ADDRESS:
        # A hash, because cut ids could be equal.
        guid = "sha256:" + hashlib.sha256(guid.encode("utf-8", "replace")).hexdigest()
    return replace(
        entry,
        guid=guid,
        link=entry.link if entry.link and len(entry.link) <= MAX_ADDRESS else None,
        title=_cut(entry.title, MAX_TITLE),
        body=_cut(entry.body, MAX_BODY),
        author=_cut(entry.author, MAX_NAME),
        tags=tuple(tag[:MAX_NAME] for tag in entry.tags[:MAX_TAGS]),
        language=_cut(entry.language, _MAX_LANGUAGE),
    )


def is_within_bounds(entry: Entry) -> bool:
    """Return whether each field is within its limit, and no text is empty. Nearly all entries pass and need no copy."""
    return (
        len(entry.guid or "") <= MAX_ADDRESS
        and len(entry.link or "") <= MAX_ADDRESS
        and len(entry.title or "") <= MAX_TITLE
        and len(entry.body or "") <= MAX_BODY
        and len(entry.author or "") <= MAX_NAME
        and len(entry.language or "") <= _MAX_LANGUAGE
        and len(entry.tags) <= MAX_TAGS
        and all(len(tag) <= MAX_NAME for tag in entry.tags)
        and "" not in (entry.guid, entry.link, entry.title, entry.body, entry.author, entry.language)
    )


def mark_baseline(entries: Sequence[Entry], cutoff: datetime | None) -> tuple[Entry, ...]:
    """Mark entries older than ``cutoff`` as identity only, so that no rule matches them; undated entries count as new.

    Marked entries also lose their text unless they are among the first ``SAMPLE`` entries.
    """
    if cutoff is None:
        return tuple(entries)
    return tuple(
        replace(
            entry,
            body=entry.body if place < SAMPLE else None,
            author=None,
            tags=(),
            language=None,
            picture=None,
            identity_only=True,
        )
        if not entry.identity_only and (date := entry.published or entry.updated) is not None and date < cutoff
        else entry
        for place, entry in enumerate(entries)
    )


def parse_each(
    items: Iterable[T], parse: Callable[[T], R], hash_of: Callable[[T], str]
) -> tuple[tuple[R, ...], tuple[FaultyItem, ...]]:
    """Parse the items. Return the results, and the items on which ``parse`` raises an unexpected error."""
    results: list[R] = []
    faults: list[FaultyItem] = []
    for item in items:
        try:
            results.append(parse(item))
        except (ReadError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - any bug; it is logged when the item is set aside
            faults.append(FaultyItem(hash=hash_of(item), error=describe_error(error)))
    return tuple(results), tuple(faults)


def parse_new(items: Iterable[T], hashes: Sequence[str], body: Body, parse: Callable[[T], Entry]) -> ParsedFeed:
    """Parse the items whose hash is new. If ``body.names_known`` is true, also parse the others, as identity only."""
    pairs = zip(items, hashes, strict=True)
    entries, faults = parse_each(
        [pair for pair in pairs if body.names_known or pair[1] not in body.known_hashes],
        lambda pair: mark_known(parse(pair[0]), is_known=pair[1] in body.known_hashes),
        lambda pair: pair[1],
    )
    # Items at fault stay unknown, so that they are parsed again.
    unknown = {fault.hash for fault in faults} - body.known_hashes
    known_hashes = tuple(item_hash for item_hash in hashes if item_hash not in unknown)
    return ParsedFeed(entries=entries, item_hashes=known_hashes, faulty_items=faults)


def hash_item(packed: bytes, base: str) -> str:
    """Return the hash of an item's bytes and of the document's address, which affects the item's links."""
    return hashlib.blake2b(base.encode() + b"\0" + packed, digest_size=10).hexdigest()


def mark_known(entry: Entry, *, is_known: bool) -> Entry:
    """Mark an entry with known bytes as identity only. Keep its body, which identifies an entry without an id."""
    return replace(entry, identity_only=True) if is_known else entry


def _cut(text: str | None, size: int) -> str | None:
    return text[:size] if text else None


#: A relative address in a body, other than a fragment ("#…").
_RELATIVE = LazyPattern(
    r"""\b(?:href|src|cite)\s*+=\s*+["']?+\s*+(?![a-z][a-z0-9+.-]*+:|[\#"'>])[^\s"'>]""", re.IGNORECASE
)
#: Maximum characters that resolved links may add to a body, besides twice its length. With a base of 7,000 characters,
#: 126 KB of links became 34 MB.
_MOST_GROWTH = 5_000
_MARKUP = LazyPattern(r"<[A-Za-z!/?]|&#?\w+;")


def web_address(address: str | None, base: str = "") -> str | None:
    """Return the absolute http(s) address, or None for anything else (javascript:, urn:, an address that is too long).

    Return a relative address unchanged if there is no base.
    """
    if not address:
        return None
    try:
        whole = urljoin(base, address.strip()) if base else address.strip()
        parts = urlsplit(whole)
    except ValueError:
        return None
    if len(whole) > MAX_ADDRESS:
        return None
    if not parts.scheme:
        return whole or None
    return whole if parts.scheme.lower() in ("http", "https") and parts.netloc else None


def resolve_links(body: str, base: str) -> str:
    """Resolve the relative links of HTML. Return it unchanged if it has none (as usual) or would grow too much."""
    relative = sum(1 for _ in _RELATIVE.finditer(body)) if base else 0
    if not relative or relative * len(base) > _MOST_GROWTH + 2 * len(body):
        return body
    try:
        fragment = html.fragment_fromstring(body, create_parent="div")
        fragment.make_links_absolute(base, handle_failures="ignore")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return body
    whole = etree.tostring(fragment, encoding="unicode", method="html", with_tail=False)
    return whole.removeprefix("<div>").removesuffix("</div>")


def escape_text(text: str | None) -> str | None:
    """Turn plain text into HTML by escaping characters that have a meaning in HTML, if there are any.

    >>> escape_text("AT&T <b>"), escape_text("AT&T")
    ('AT&amp;T &lt;b&gt;', 'AT&T')
    """
    return escape(text, quote=False) if text and _MARKUP.search(text) else text


def plain_title(text: str | None) -> str | None:
    """Return a feed's title without markup."""
    if text and ("<" in text or "&" in text):
        with contextlib.suppress(etree.ParserError, etree.XMLSyntaxError, ValueError):
            text = html.fragment_fromstring(text, create_parent="div").text_content()
    return " ".join(text.split())[:300] or None if text else None
