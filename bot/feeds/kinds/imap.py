"""``kind: imap``: parse mails into entries; each mail is an article.

A mail that cannot be parsed is skipped, counted and not read again. Limits protect against hostile mails.
"""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import email.utils
import hashlib
import re
from datetime import UTC, datetime

import pydantic

from bot.feeds.kit import fields, markup, packing
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from bot.patterns import LazyPattern

KIND = "imap"


class Options(pydantic.BaseModel):
    """Newsletters in a mailbox."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    sender: str | None = pydantic.Field(
        None,
        min_length=1,
        max_length=200,
        description="Read only mails whose sender has this text in the name or address.",
    )
    mark_seen: bool = pydantic.Field(
        False, description="Mark mails as seen after reading. By default, nothing in the mailbox is changed."
    )


class Source:
    """Parses mails."""

    def __init__(self, options: Options) -> None:
        """The options are for the request, not for the parser."""

    def recognises(self, body: Body) -> bool:
        """Return False, because a feed that reads a mailbox must name the kind."""
        return False

    def read(self, body: Body) -> ParsedFeed:
        """Parse mails. Blocking. Raises ReadError."""
        if not body.content.startswith(packing.MAILS_HEAD):
            raise ReadError('not from a mailbox; with "kind: imap", write the address as imaps://host/folder')
        entries: dict[str | None, Entry] = {}
        skipped = 0
        for _, raw in packing.unpack_mails(body.content):
            entry = parse_mail(raw)
            if entry is None:
                skipped += 1
            else:
                entries.setdefault(entry.guid, entry)
        return ParsedFeed(entries=tuple(entries.values()), is_increment=True, skipped=skipped)


#: Maximum boundaries and parts of a mail. The library parses nested parts by recursion, and compares each line with the
#: boundaries of all enclosing parts.
_MOST_BOUNDARIES = 60
_MOST_PARTS = 300
#: Maximum product of lines and boundaries, which takes a second. The largest honest mail has a seventh of it.
_MOST_COMPARISONS = 10_000_000
#: Maximum bytes of a header, because the library takes quadratic time: 40 kB of semicolons take a second.
_MOST_OF_HEADER = 2_000
_MOST_OF_TEXT = 1_500_000
#: The prefixes of forwarded mails, in several languages.
_FORWARDED = LazyPattern(r"^(?:(?:fwd?|wg|tr|rv|enc|i|doorst|vs)\s?:\s*)+", re.IGNORECASE)
_PART = LazyPattern(rb"^content-type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = LazyPattern(rb"boundary[ \t]*=", re.IGNORECASE)


class _BoundedHeaders(email.policy.Compat32):
    """The library's default policy, except that long headers are cut before they are parsed."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return the name and the value of one header."""
        name, value = super().header_source_parse(sourcelines)
        return name[:_MOST_OF_HEADER], value[:_MOST_OF_HEADER]


_POLICY = _BoundedHeaders()


def parse_mail(raw: bytes) -> Entry | None:
    """Return the mail as an article, or None if it cannot be parsed or exceeds the limits."""
    boundaries = len(_BOUNDARY.findall(raw))
    if len(_PART.findall(raw)) > _MOST_PARTS or boundaries > _MOST_BOUNDARIES:
        return None
    if (raw.count(b"\n") + raw.count(b"\r")) * boundaries > _MOST_COMPARISONS:
        return None
    try:
        message = email.message_from_bytes(raw, policy=_POLICY)
        html, text = _body(message, "text/html"), _body(message, "text/plain")
        name, address = email.utils.parseaddr(_header(message, "from"))
        if not html.strip() and not text.strip() and not message["subject"]:
            return None
        subject = _FORWARDED.sub("", " ".join(_header(message, "subject").split())) or "(no subject)"
        return Entry(
            # A mail without a Message-ID is identified by its bytes.
            guid=_header(message, "message-id").strip("<> ") or hashlib.sha256(raw).hexdigest(),
            title=fields.escape_text(subject),
            body=html if html.strip() else fields.escape_text(text),
            author=(name or address).strip() or None,
            published=_date(_header(message, "date")),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # The library raises these exceptions on unexpected input.
        return None


def _header(message: email.message.Message, name: str) -> str:
    written = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    # The library represents bytes that are not ASCII as surrogates.
    plain = markup.decode(written.encode("ascii", "surrogateescape"), "").text
    try:
        parts = email.header.decode_header(plain)
    except (ValueError, LookupError):
        parts = [(plain, None)]
    decoded = "".join(_part(*part) for part in parts)
    return decoded.encode("utf-8", "replace").decode().replace("\x00", "")


def _part(content: str | bytes, name: str | None) -> str:
    if isinstance(content, str):
        return content
    # The library returns text outside of encoded words in this encoding.
    return content.decode("raw-unicode-escape") if name is None else markup.decode(content, f"charset={name}").text


def _date(written: str) -> datetime | None:
    try:
        when = email.utils.parsedate_to_datetime(written)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _body(message: email.message.Message, kind: str) -> str:
    """Return the first text/``kind`` part that is not an attachment."""
    for part in message.walk():
        if part.get_content_type() != kind or part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and content.strip():
            name = part.get_content_charset()
            content_type = f"{kind}; charset={name}" if name else kind
            return markup.decode(content[:_MOST_OF_TEXT], content_type).text.replace("\x00", "")
    return ""
