"""What the headers of an answer say about when to ask again.

Pure: the time is an argument. A header that cannot be read counts as absent; it never raises.
"""

from __future__ import annotations

import contextlib
import functools
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

#: Larger numbers are nonsense and overflow a datetime.
_MAX_SECONDS = 10 * 365 * 86400
_LINK = re.compile(r"""<([^<>\s]{1,2000})>[^<,]{0,500}?;\s*rel\s*=\s*"?([\w :/.-]{1,200})""", re.IGNORECASE)
_MOST_LINKS = 8_000


def http_date(text: str | None) -> datetime | None:
    """A date of any of the three forms of RFC 9110 section 5.6.7.

    >>> http_date("Sunday, 06-Nov-94 08:49:37 GMT")
    datetime.datetime(1994, 11, 6, 8, 49, 37, tzinfo=datetime.timezone.utc)
    """
    if not text:
        return None
    try:
        when = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    try:
        return when.astimezone(UTC)
    except OverflowError:
        return None


def retry_after(value: str | None, *, now: datetime) -> datetime | None:
    """Until when Retry-After asks to wait; None: not said or already past."""
    until = retry_at(value, now=now)
    return until if until is not None and until > now else None


def retry_at(value: str | None, *, now: datetime) -> datetime | None:
    """What Retry-After names, in seconds or as a date (RFC 9110 section 10.2.3), also if past; None: nothing."""
    if not value:
        return None
    seconds = _seconds(value)
    return now + timedelta(seconds=seconds) if seconds is not None else http_date(value)


def limit_end(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """When requests are allowed again, where none is left (X-RateLimit-Remaining, X-RateLimit-Reset).

    GitHub sends the time (seconds since 1970), Reddit the seconds until then. None: not said, or some are left.
    """
    remaining = _number(headers.get("x-ratelimit-remaining", ""))
    reset = _number(headers.get("x-ratelimit-reset", ""))
    if remaining is None or remaining >= 1 or reset is None:
        return None
    # A larger number than ten years of seconds is a time: no limit is that long.
    wait = timedelta(seconds=min(reset if reset < _MAX_SECONDS else max(0.0, reset - now.timestamp()), _MAX_SECONDS))
    return now + wait if timedelta() < wait <= timedelta(days=1) else None


def fresh_until(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """How long the answer is fresh (RFC 9111 section 4.2.1), by max-age, else Expires; None: not said."""
    directives = _directives(headers.get("cache-control", ""))
    if directives.keys() & {"no-store", "no-cache"}:
        return None
    lifetime: timedelta | None = None
    if "max-age" in directives:
        # Present but unreadable means stale (section 4.2.1), and then Expires does not count either.
        lifetime = timedelta(seconds=_seconds(directives["max-age"]) or 0)
    else:
        expires = http_date(headers.get("expires"))
        if expires is not None:
            # Against the server's own clock, which may be wrong by hours.
            lifetime = expires - (http_date(headers.get("date")) or now)
    if lifetime is None:
        return None
    age = timedelta(seconds=_seconds(headers.get("age", "")) or 0)
    lifetime = min(lifetime, timedelta(seconds=_MAX_SECONDS)) - age
    return now + lifetime if lifetime > timedelta() else None


def links(value: str | None, base: str) -> Mapping[str, str]:
    """The hub and the own address that a Link header names (RFC 8288), absolute; empty: none.

    >>> links('<https://hub.example/>; rel="hub", </feed>; rel=self', "https://a.example/x")
    {'hub': 'https://hub.example/', 'self': 'https://a.example/feed'}
    """
    found: dict[str, str] = {}
    for link in _LINK.finditer((value or "")[:_MOST_LINKS]):
        for relation in link[2].lower().split():
            if relation in ("hub", "self"):
                with contextlib.suppress(ValueError):
                    found.setdefault(relation, urljoin(base, link[1]))
    return found


def certificate_end(connection: object) -> datetime | None:
    """The end of the peer certificate's validity; None: no TLS."""
    if not isinstance(connection, (ssl.SSLObject, ssl.SSLSocket)):
        return None
    certificate = connection.getpeercert()
    end = certificate.get("notAfter") if certificate else None
    return _certificate_date(end) if isinstance(end, str) else None


# Asked at each answer, and the same for every answer of a host.
@functools.lru_cache(maxsize=1000)
def _certificate_date(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), tz=UTC)


def _directives(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in value.lower().split(","):
        name, _, argument = part.strip().partition("=")
        if name:
            # The first of two counts (RFC 9111 section 4.2.1).
            found.setdefault(name.strip(), argument.strip().strip('"'))
    return found


def _seconds(value: str) -> float | None:
    number = _number(value)
    return min(number, float(_MAX_SECONDS)) if number is not None else None


def _number(value: str) -> float | None:
    value = value.strip()
    # Some servers send “120.5” or “120, 120”.
    number = value.partition(",")[0].strip() if value[:1].isdigit() else value
    if not number.replace(".", "", 1).isascii() or not number.replace(".", "", 1).isdigit():
        return None
    return float(number)
