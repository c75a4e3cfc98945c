"""Record what a client does at the origin: its requests, its delays, and the rules that it breaks."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from bench.soak.simulation.origin import Reply
from bench.soak.simulation.world import Feed, World
from bot.model.settings import FetchPolicy

_DAY = 86_400
_HOUR = 3_600
_OWN_LONGEST = FetchPolicy().at_least.total_seconds()
#: Three addresses within ten minutes speak for their host.
_ADDRESSES, _WITHIN = 3, 600
#: What was asked for, or waits in line for its host, when the host's limit became known is finished.
_UNDER_WAY = 60


class Lateness:
    """Seconds, counted in bins of one second up to a day, so that it does not grow."""

    def __init__(self) -> None:
        self._bins = array("I", bytes(4 * (_DAY + 1)))
        self.count = 0

    def add(self, seconds: float) -> None:
        self._bins[min(_DAY, max(0, int(seconds)))] += 1
        self.count += 1

    def share(self, share: float) -> int:
        """So many seconds or less for this share of them."""
        left = share * self.count
        for seconds, number in enumerate(self._bins):
            left -= number
            if left <= 0 and self.count:
                return seconds
        return 0


@dataclass(slots=True)
class _OfFeed:
    """The last request and answer of one feed."""

    #: Items that the client has seen; None: no document yet.
    count: int | None = None
    not_before: float = 0.0
    answered_at: float = 0.0
    fresh_until: float = 0.0
    is_gone: bool = False
    is_redirected: bool = False


@dataclass(slots=True)
class _OfHost:
    under_way: int = 0
    hour: int = 0
    in_hour: int = 0
    #: (address, said at, until) of the last limits.
    limits: list[tuple[int, float, float]] = field(default_factory=list)
    limited_at: float = 0.0
    limited_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Busiest:
    host: str
    feeds: int
    requests: int


class Witness:
    """Broken rules count from the start, the rest from ``since``."""

    def __init__(self, world: World, *, per_host: int, since: float = 0) -> None:
        self.statuses: Counter[int] = Counter()
        #: How long after its publication an item was first delivered.
        self.lateness = Lateness()
        #: Of these, where the feed asks for no longer wait than our own longest.
        self.lateness_unasked = Lateness()
        #: Items that left the document before it was asked for again.
        self.missed = 0
        #: Of these, in waits of which the feed itself had asked for more than half (max-age, ttl).
        self.missed_as_asked = 0
        #: Which rule -> how often it was broken.
        self.broken: Counter[str] = Counter()
        #: Items that were delivered after the feed's first document.
        self.items = 0
        self.busiest = Busiest(host="", feeds=0, requests=0)
        self._per_host = per_host
        self._since = since
        self._feeds = [_OfFeed() for _ in world.feeds]
        self._hosts = {host.name: _OfHost() for host in world.hosts}

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def asked(self, feed: Feed, moment: float) -> None:
        state, host = self._feeds[feed.number], self._hosts[feed.host.name]
        host.under_way += 1
        self._count_hour(feed, host, moment)
        if host.under_way > self._per_host:
            self.broken["more at once than per_host"] += 1
        if state.is_gone:
            self.broken["asked after 410"] += 1
        if moment < state.not_before:
            self.broken["before its Retry-After"] += 1
        if host.limited_at + _UNDER_WAY < moment < host.limited_until:
            self.broken["before the host's Retry-After"] += 1
        if moment < state.fresh_until and not state.is_redirected:
            self.broken["while fresh (max-age, ttl)"] += 1
        state.is_redirected = False

    def answered(self, reply: Reply, moment: float) -> None:
        feed = reply.feed
        state, host = self._feeds[feed.number], self._hosts[feed.host.name]
        host.under_way -= 1
        self._count(reply.status, moment)
        state.is_redirected = reply.status == 301
        if reply.status == 410:
            state.is_gone = True
        if reply.retry_after is not None:
            state.not_before = moment + reply.retry_after
            self._limited(feed, host, moment, state.not_before)
        if reply.count is not None:
            self._delivered(feed, state, reply.count, moment)
        if reply.status in (200, 304):
            state.answered_at = moment
            state.fresh_until = moment + max(feed.max_age, 60 * feed.ttl_minutes)

    def broke_off(self, feed: Feed, moment: float) -> None:
        """The client went away without an answer."""
        self._hosts[feed.host.name].under_way -= 1
        self._count(0, moment)

    def _count(self, status: int, moment: float) -> None:
        if moment >= self._since:
            self.statuses[status] += 1

    def _delivered(self, feed: Feed, state: _OfFeed, count: int, moment: float) -> None:
        if state.count is not None:
            first = max(state.count, count - feed.window)
            if moment >= self._since:
                self.items += count - first
                self.missed += first - state.count
                if state.fresh_until - state.answered_at > (moment - state.answered_at) / 2:
                    self.missed_as_asked += first - state.count
            for number in range(first, count):
                if feed.published[number] >= self._since:
                    self.lateness.add(moment - feed.published[number])
                    if max(feed.max_age, 60 * feed.ttl_minutes) <= _OWN_LONGEST:
                        self.lateness_unasked.add(moment - feed.published[number])
        state.count = count

    def _limited(self, feed: Feed, host: _OfHost, moment: float, until: float) -> None:
        host.limits = [limit for limit in host.limits if moment - limit[1] <= _WITHIN]
        host.limits.append((feed.number, moment, until))
        if len({number for number, _, _ in host.limits}) >= _ADDRESSES:
            if moment >= host.limited_until:
                host.limited_at = moment
            host.limited_until = max(host.limited_until, until)

    def _count_hour(self, feed: Feed, host: _OfHost, moment: float) -> None:
        hour = int(moment // _HOUR)
        if hour != host.hour:
            host.hour, host.in_hour = hour, 0
        host.in_hour += 1
        if moment >= self._since and host.in_hour > self.busiest.requests:
            self.busiest = Busiest(host=feed.host.name, feeds=feed.host.feeds, requests=host.in_hour)
