"""Parse the headers of a response that say when to send the next request.

Pure: the time is an argument. A header that cannot be parsed counts as absent, so no function raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: Maximum number of seconds. Larger numbers are mistakes and would overflow a datetime.
_MAX_SECONDS = 10 * 365 * 86400


def http_date(text: str | None) -> datetime | None:
    """Parse a date in any of the three formats of RFC 9110 section 5.6.7.

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
    """Return the time until which Retry-After asks to wait, or None if it is absent or past."""
    until = retry_at(value, now=now)
    return until if until is not None and until > now else None


def retry_at(value: str | None, *, now: datetime) -> datetime | None:
    """Return the time in Retry-After (seconds or a date, RFC 9110 section 10.2.3), even if it is past."""
    if not value:
        return None
    seconds = _seconds(value)
    return now + timedelta(seconds=seconds) if seconds is not None else http_date(value)


def limit_end(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """Return when requests are allowed again, or None if requests are left or the headers are absent.

    GitHub's X-RateLimit-Reset is the time (seconds since 1970); Reddit's is the number of seconds until that time.
    """
    remaining = _number(headers.get("x-ratelimit-remaining", ""))
    reset = _number(headers.get("x-ratelimit-reset", ""))
    if remaining is None or remaining >= 1 or reset is None:
        return None
    # A number of seconds that exceeds ten years must be a time, because no limit lasts so long.
    wait = timedelta(seconds=min(reset if reset < _MAX_SECONDS else max(0.0, reset - now.timestamp()), _MAX_SECONDS))
    return now + wait if timedelta() < wait <= timedelta(days=1) else None


def fresh_until(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """Return the end of the response's freshness from max-age, else Expires (RFC 9111 section 4.2.1), or None."""
    directives = _directives(headers.get("cache-control", ""))
    if directives.keys() & {"no-store", "no-cache"}:
        return None
    lifetime: timedelta | None = None
    if "max-age" in directives:
        # An invalid max-age means that the response is stale (section 4.2.1); Expires is ignored.
        lifetime = timedelta(seconds=_seconds(directives["max-age"]) or 0)
    else:
        expires = http_date(headers.get("expires"))
        if expires is not None:
            # Compare with the server's own clock, which may be wrong by hours.
            lifetime = expires - (http_date(headers.get("date")) or now)
    if lifetime is None:
        return None
    age = timedelta(seconds=_seconds(headers.get("age", "")) or 0)
    lifetime = min(lifetime, timedelta(seconds=_MAX_SECONDS)) - age
    return now + lifetime if lifetime > timedelta() else None


def _directives(value: str) -> dict[str, str]:
    directives: dict[str, str] = {}
    for part in value.lower().split(","):
        name, _, argument = part.strip().partition("=")
        if name:
            # If a directive is repeated, the first counts (RFC 9111 section 4.2.1).
            directives.setdefault(name.strip(), argument.strip().strip('"'))
    return directives


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
