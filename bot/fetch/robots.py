"""Fetch a host's robots.txt (RFC 9309) and answer whether we may fetch an address.

Protego parses it, since the standard library's parser knows neither wildcards nor the longest match.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import protego

from bot import ports

#: Our name in robots.txt.
ROBOT = "wirewatch"
#: RFC 9309, 2.4: not longer than a day.
_FRESH = timedelta(hours=24)
#: RFC 9309, 2.3.1.4: nothing may be fetched while robots.txt cannot be, so it is requested again soon.
_FRESH_FAILURE = timedelta(minutes=30)
#: RFC 9309, 2.5: at least 500 kibibytes must be parsed.
_MAX_BYTES = 512 * 1024
#: Thousands of rules are compared with an address; a longer one is not an article's.
_LONGEST_ADDRESS = 2_000
#: A line that names the robots of the rules below it, in every spelling that Protego accepts.
_AGENT = re.compile(r"user[\s-]*agent[\s:]*", re.IGNORECASE)
#: Longer delays are obeyed up to this bound only.
MAX_DELAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """The rules of one host, valid until ``until``."""

    until: datetime
    #: If None, everything is allowed.
    rules: protego.Protego | None = None
    #: Lines of the file; each takes some 500 bytes of memory.
    lines: int = 0
    #: robots.txt could not be fetched (server error, no answer).
    is_closed: bool = False
    #: The feed that needs the page may not send requests to the host.
    is_refused: bool = False

    def allows(self, url: str) -> bool:
        """Return whether the address may be fetched."""
        if self.is_closed or len(url) > _LONGEST_ADDRESS:
            return False
        return self.rules is None or bool(self.rules.can_fetch(url, ROBOT))

    @property
    def delay(self) -> timedelta:
        """Return Crawl-delay, bounded."""
        seconds = self.rules.crawl_delay(ROBOT) if self.rules is not None else None
        if seconds is None or not seconds > 0:
            return timedelta()
        return MAX_DELAY if seconds >= MAX_DELAY.total_seconds() else timedelta(seconds=seconds)


async def ask(fetcher: ports.Fetcher, url: str, *, home: str | None = None, now: datetime) -> Robots:
    """Fetch the robots.txt of the host of ``url``; ``home`` as in a request."""
    parts = urlsplit(url)
    robots = f"{parts.scheme}://{parts.netloc}/robots.txt"
    request = ports.Request(url=robots, accept="text/plain, */*;q=0.5", home=home)
    try:
        answer = await fetcher.get(request)
    except ports.TooBig:
        # Longer than RFC 9309 requires to be parsed; such a file is not a list of rules.
        return Robots(until=now + _FRESH)
    except ports.Refused:
        # Only for this feed; another one may be allowed to fetch it.
        return Robots(until=now, is_closed=True, is_refused=True)
    except ports.FetchError:
        return Robots(until=now + _FRESH_FAILURE, is_closed=True)
    if 200 <= answer.status < 300:
        body = answer.body[:_MAX_BYTES]
        rules = await asyncio.to_thread(_parsed, body)
        return Robots(until=now + _FRESH, rules=rules, lines=body.count(b"\n") + body.count(b"\r"))
    if answer.status == 429 or answer.status >= 500:
        until = max(now + _FRESH_FAILURE, answer.retry_after or now)
        return Robots(until=min(until, now + _FRESH), is_closed=True)
    # “Unavailable” (4xx): any resource may be read (RFC 9309, 2.3.1.3).
    return Robots(until=now + _FRESH)


def _parsed(content: bytes) -> protego.Protego:
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return protego.Protego.parse("\n".join(map(_without_others, text.splitlines())))


def _without_others(line: str) -> str:
    """Replace the names of other robots in a line: Protego copies each rule for each name, so 100 KB became 1.3 GB.

    >>> _without_others("User-agent: Googlebot"), _without_others("user agent Wirewatch # us")
    ('User-agent: -', 'user agent Wirewatch # us')
    """
    agent = _AGENT.match(line := line.strip())
    if agent is None:
        return line
    name = line[agent.end() :].partition("#")[0].strip().lower()
    return line if name == "*" or (name and ROBOT.startswith(name.replace("*", ""))) else "User-agent: -"
