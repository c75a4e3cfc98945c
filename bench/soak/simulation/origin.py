"""Answer requests as the simulated hosts would at a moment. Each kind of client has a separate origin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime

from bench.soak.simulation.world import DAY, Feed, Host, Trouble, World

_OVERLOADED_SECONDS = 1_800
_HOUR = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """No status: none is given."""

    feed: Feed
    trouble: Trouble | None = None
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    #: Seconds for which the host asks to be left alone.
    retry_after: int | None = None
    #: Items that the document has behind it; None: it brings no document.
    count: int | None = None


@dataclass(slots=True)
class _Budget:
    """What a counting host still allows: it fills up over an hour."""

    left: float
    at: float


class Origin:
    def __init__(self, world: World) -> None:
        self._world = world
        self._budgets: dict[str, _Budget] = {}

    def answer(
        self,
        feed: Feed,
        moment: float,
        *,
        is_moved: bool = False,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> Reply:
        """``is_moved``: it is asked at its second address."""
        trouble = feed.trouble_at(moment)
        if trouble is not None:
            return self._troubled(feed, trouble.trouble)
        wait = self._too_many(feed.host, moment)
        if wait is not None:
            return _limit(feed, 429, wait)
        if moment >= feed.gone_at:
            return Reply(feed=feed, status=410)
        if moment >= feed.moved_at and not is_moved:
            return Reply(feed=feed, status=301, headers=(("Location", f"{feed.url}/moved"),))
        return self._served(feed, moment, etag, last_modified)

    def _troubled(self, feed: Feed, trouble: Trouble) -> Reply:
        if trouble is Trouble.OVERLOADED:
            return _limit(feed, 503, _OVERLOADED_SECONDS)
        return Reply(feed=feed, trouble=trouble, status=500 if trouble is Trouble.ERROR else 0)

    def _too_many(self, host: Host, moment: float) -> int | None:
        """Seconds until the host lets us in again; None: now."""
        if host.allowed is None:
            return None
        budget = self._budgets.setdefault(host.name, _Budget(host.allowed, moment))
        budget.left = min(host.allowed, budget.left + (moment - budget.at) * host.allowed / _HOUR)
        budget.at = moment
        if budget.left >= 1:
            budget.left -= 1
            return None
        return _HOUR // 4

    def _served(self, feed: Feed, moment: float, etag: str | None, last_modified: str | None) -> Reply:
        count = feed.count_at(moment)
        tag = f'"{feed.number}-{int(moment) if feed.is_restless else count}"'
        changed = feed.published[count - 1] if count else -DAY
        modified = format_datetime(self._world.start + timedelta(seconds=int(changed)), usegmt=True)
        headers = []
        if feed.has_etag:
            headers.append(("ETag", tag))
        if feed.has_modified and not feed.is_restless:
            headers.append(("Last-Modified", modified))
        if feed.max_age:
            headers.append(("Cache-Control", f"max-age={feed.max_age}"))
        # An ETag that does not fit rules a Last-Modified that does (RFC 9110 section 13.2.2).
        is_same = etag == tag if etag is not None and feed.has_etag else last_modified == modified and feed.has_modified
        if is_same:
            return Reply(feed=feed, status=304, headers=tuple(headers))
        headers.append(("Content-Type", "application/rss+xml; charset=utf-8"))
        return Reply(feed=feed, status=200, headers=tuple(headers), count=count)


def _limit(feed: Feed, status: int, seconds: int) -> Reply:
    return Reply(feed=feed, status=status, headers=(("Retry-After", str(seconds)),), retry_after=seconds)
