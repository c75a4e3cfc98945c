"""One mail out of its bytes (RFC 5322, MIME): subject, sender, date and its text. Hostile mails are bounded."""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import email.utils
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sources.kit import charset

#: Parts inside of parts are parsed by recursion, and each line is compared with the boundary of each part around it.
_MOST_BOUNDARIES = 60
_MOST_PARTS = 300
#: Lines times boundaries: some seven times what the largest honest mail has, and a second of work.
_MOST_COMPARISONS = 10_000_000
#: The library takes time in the square of a header's length: 40 kB of semicolons in a Content-Type take a second.
_MOST_OF_HEADER = 2_000
_MOST_OF_TEXT = 1_500_000
#: As mail programs of several languages write it.
_FORWARDED = re.compile(r"^(?:(?:fwd?|wg|tr|rv|enc|i|doorst|vs)\s?:\s*)+", re.IGNORECASE)
_PART = re.compile(rb"^content-type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb"boundary[ \t]*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What an article is made of."""

    id: str
    subject: str
    sender: str | None
    date: datetime | None
    #: Empty: the mail has none.
    html: str
    text: str


class _BoundedHeaders(email.policy.Compat32):
    """The library's usual policy, over headers that are cut before it parses them."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return the name and the value of one header."""
        name, value = super().header_source_parse(sourcelines)
        return name[:_MOST_OF_HEADER], value[:_MOST_OF_HEADER]


_POLICY = _BoundedHeaders()


def parse(raw: bytes) -> Mail | None:
    """Return the mail, or None where it cannot be parsed within the bounds."""
    boundaries = len(_BOUNDARY.findall(raw))
    if len(_PART.findall(raw)) > _MOST_PARTS or boundaries > _MOST_BOUNDARIES:
        return None
    if (raw.count(b"\n") + raw.count(b"\r")) * boundaries > _MOST_COMPARISONS:
        return None
    try:
        message = email.message_from_bytes(raw, policy=_POLICY)
        html, text = _body(message, "text/html"), _body(message, "text/plain")
        if not html.strip() and not text.strip() and not message["subject"]:
            return None
        return Mail(
            # A mail without an id is known by its bytes.
            id=_header(message, "message-id").strip("<> ") or hashlib.sha256(raw).hexdigest(),
            subject=_FORWARDED.sub("", " ".join(_header(message, "subject").split())) or "(no subject)",
            sender=_sender(_header(message, "from")),
            date=_date(_header(message, "date")),
            html=html if html.strip() else "",
            text=text,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # The library raises these for what it does not expect.
        return None


def _header(message: email.message.Message, name: str) -> str:
    written = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    # The library keeps bytes that are not ASCII as surrogates.
    plain = charset.decode(written.encode("ascii", "surrogateescape"), "").text
    try:
        parts = email.header.decode_header(plain)
    except (ValueError, LookupError):
        parts = [(plain, None)]
    decoded = "".join(_part(*part) for part in parts)
    return decoded.encode("utf-8", "replace").decode().replace("\x00", "")


def _part(content: str | bytes, name: str | None) -> str:
    if isinstance(content, str):
        return content
    # What stands between encoded words comes in this form.
    return content.decode("raw-unicode-escape") if name is None else charset.decode(content, f"charset={name}").text


def _sender(written: str) -> str | None:
    name, address = email.utils.parseaddr(written)
    return (name or address).strip() or None


def _date(written: str) -> datetime | None:
    try:
        when = email.utils.parsedate_to_datetime(written)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _body(message: email.message.Message, kind: str) -> str:
    """The first part of that kind that is no attachment."""
    for part in message.walk():
        if part.get_content_type() != kind or part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and content.strip():
            named = part.get_content_charset()
            told = f"{kind}; charset={named}" if named else kind
            return charset.decode(content[:_MOST_OF_TEXT], told).text.replace("\x00", "")
    return ""
