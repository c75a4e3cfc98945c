"""Draw the simulated world: hosts of very different sizes, their feeds, and the times of publications and failures.

The whole world is drawn once, from a seed. Times are seconds since the start.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from bench.soak.simulation import shares
from bench.soak.simulation.rhythms import Recorded, Rhythm

DAY = 86_400
#: How far back a feed's first document reaches by its rhythm; what is older is spread evenly.
_PAST_DAYS = 10
#: Feeds of one recorded series do not publish at the same second.
_SHIFT_SECONDS = 1_200
#: Weight of the host at a rank is 1 / (rank + this): the largest of 3,000 hosts has one feed in forty.
_FLATTEN = 4


class Trouble(StrEnum):
    ERROR = "500"
    HANGS = "no answer"
    REFUSES = "connection refused"
    OVERLOADED = "503 with Retry-After"


@dataclass(frozen=True, slots=True)
class Span:
    begin: float
    end: float
    trouble: Trouble


@dataclass(slots=True, kw_only=True)
class Host:
    name: str
    #: Seconds that an answer takes, in the middle.
    latency: float
    spans: tuple[Span, ...]
    #: Requests an hour; None: it does not count.
    allowed: float | None = None
    feeds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    number: int
    host: Host
    window: int
    has_etag: bool
    has_modified: bool
    #: Its document changes with each answer, though no item does.
    is_restless: bool
    max_age: int
    ttl_minutes: int
    gone_at: float = math.inf
    moved_at: float = math.inf
    spans: tuple[Span, ...] = ()
    #: When it published, from long before the start until the end.
    published: array[float] = field(repr=False)

    @property
    def url(self) -> str:
        return f"https://{self.host.name}/feed/{self.number}"

    def count_at(self, moment: float) -> int:
        """Items published until then."""
        return bisect_right(self.published, moment)

    def trouble_at(self, moment: float) -> Span | None:
        for span in (*self.spans, *self.host.spans):
            if span.begin <= moment < span.end:
                return span
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    start: datetime
    days: float
    hosts: tuple[Host, ...]
    feeds: tuple[Feed, ...]
    recorded: Recorded


def draw(recorded: Recorded, *, start: datetime, days: float, feeds: int, hosts: int, seed: int = 1) -> World:
    """A world of so many feeds; the same seed draws the same world."""
    rng = Random(seed)
    places = [_host(rng, number, days) for number in range(min(hosts, feeds))]
    weights = [1 / (rank + _FLATTEN) for rank in range(len(places))]
    homes = [*places, *rng.choices(places, weights, k=feeds - len(places))]
    drawn = []
    for number, home in enumerate(homes):
        home.feeds += 1
        drawn.append(_feed(rng, number, home, recorded.rhythms, start=start, days=days))
    for host in places:
        if host.allowed is not None:
            host.allowed *= host.feeds
    return World(start=start, days=days, hosts=tuple(places), feeds=tuple(drawn), recorded=recorded)


def _host(rng: Random, number: int, days: float) -> Host:
    spans = _spans(rng, shares.HOST_OUTAGES_A_DAY, days, (Trouble.ERROR, Trouble.HANGS, Trouble.REFUSES))
    spans += _spans(rng, shares.OVERLOADS_A_DAY, days, (Trouble.OVERLOADED,))
    return Host(
        name=f"host{number}.example",
        latency=min(5.0, rng.lognormvariate(math.log(0.25), 0.7)),
        spans=tuple(spans),
        allowed=shares.ALLOWED_A_FEED_AND_HOUR if rng.random() < shares.COUNTING_HOSTS else None,
    )


def _feed(rng: Random, number: int, host: Host, rhythms: Sequence[Rhythm], *, start: datetime, days: float) -> Feed:
    rate = shares.rate(rng)
    window = max(shares.pick(rng, shares.WINDOWS), math.ceil(rate * shares.REACHES_BACK_DAYS))
    has_etag, has_modified, is_restless = shares.pick(rng, shares.VALIDATORS)
    return Feed(
        number=number,
        host=host,
        window=window,
        has_etag=has_etag,
        has_modified=has_modified,
        is_restless=is_restless,
        max_age=shares.pick(rng, shares.MAX_AGES),
        ttl_minutes=shares.pick(rng, shares.TTLS),
        gone_at=_once(rng, shares.GONE_A_DAY),
        moved_at=_once(rng, shares.MOVED_A_DAY),
        spans=tuple(_spans(rng, shares.OUTAGES_A_DAY, days, (Trouble.ERROR, Trouble.HANGS))),
        published=_published(rng, rhythms, rate, window=window, start=start, days=days),
    )


def _once(rng: Random, a_day: float) -> float:
    return rng.expovariate(a_day) * DAY


def _spans(rng: Random, a_day: float, days: float, kinds: Sequence[Trouble]) -> list[Span]:
    """Half of them are over within half an hour, few last longer than a day."""
    spans = []
    begin = rng.expovariate(a_day)
    while begin < days:
        length = rng.lognormvariate(math.log(1_800), 1.2)
        spans.append(Span(begin * DAY, begin * DAY + length, rng.choice(kinds)))
        begin += length / DAY + rng.expovariate(a_day)
    return spans


def _published(
    rng: Random, rhythms: Sequence[Rhythm], rate: float, *, window: int, start: datetime, days: float
) -> array[float]:
    rhythm = rng.choice(rhythms)
    layers = math.ceil(rate / rhythm.a_day)
    share = rate / (layers * rhythm.a_day)
    midnight = -(start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    moments: list[float] = []
    for day in range(-_PAST_DAYS, math.ceil(days) + 2):
        like = rhythm.days_like((start + timedelta(days=day)).date())
        for _ in range(layers):
            shift = midnight + day * DAY + rng.uniform(-_SHIFT_SECONDS, _SHIFT_SECONDS)
            moments.extend(shift + second for second in _thinned(rng, rng.choice(like), share))
    moments.sort()
    before = bisect_right(moments, 0)
    oldest = moments[0] if moments else 0.0
    older = [oldest - step * DAY / rate for step in range(max(0, window - before), 0, -1)]
    return array("d", [*older, *moments])


def _thinned(rng: Random, seconds: Sequence[int], share: float) -> list[int]:
    """Each with the same chance; drawn by the gaps between those that are taken, since most are not."""
    if share >= 1:
        return list(seconds)
    taken: list[int] = []
    place = -1
    while True:
        place += 1 + int(math.log(1 - rng.random()) / math.log(1 - share))
        if place >= len(seconds):
            return taken
        taken.append(seconds[place])
