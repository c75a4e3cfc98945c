"""Recognise that a whole host limits us.

Pure. One bad path must not stop the polling of a host, and a host that limits us must not be polled by its other paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot import model

#: Limits of this many addresses within this time count for their host.
_ADDRESSES = 3
_WITHIN = timedelta(minutes=10)


def host_of(url: str) -> str:
    """Return the host name in lower case, or an empty string if there is none.

    >>> host_of("https://me:secret@Feeds.Example.org:8443/x")
    'feeds.example.org'
    """
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def asked_host(state: model.FeedState) -> str:
    """Return the host that the feed's next request goes to."""
    return host_of(state.moved_to or state.url)


def host_limit(recent: Sequence[tuple[str, datetime, datetime]]) -> datetime | None:
    """Return until when the whole host limits us, or None; ``recent`` are its limits: address, time, until.

    The latest ``until`` of the limits that agree counts.
    """
    by_time = sorted(recent, key=lambda limit: limit[1])
    latest: datetime | None = None
    for _, begin, _ in by_time:
        together = [limit for limit in by_time if begin <= limit[1] <= begin + _WITHIN]
        if len({url for url, _, _ in together}) >= _ADDRESSES:
            latest = max([until for _, _, until in together] + ([latest] if latest else []))
    return latest
