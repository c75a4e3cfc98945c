"""Plan the next poll from the feed's rhythm, the publisher's requests, and the limits of the host.

Pure arithmetic over times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.feeds import places
from bot.model.feeds import Feed, FeedState
from bot.model.settings import FetchPolicy

#: Polls per mean gap between two articles, so that an article waits a sixteenth of the gap on average.
_POLLS_A_GAP = 8
#: Polls in the shortest time in which all items of a document were replaced.
_POLLS_A_TURNOVER = 2
#: Minimum arrivals from which the turnover is computed.
_LEAST_BURST = 5
#: Number of last arrivals from which the mean gap is computed.
_RECENT = 20
#: Longest delay that a publisher can ask for. Some publishers write “one year” by mistake.
_LONGEST_ASKED = timedelta(hours=24)
#: Maximum random share added to a wait, so that feeds that were added together are polled at different times.
_JITTER = 0.1
_HOUR = timedelta(hours=1)
#: The shortest time between a poll and a later poll that a push causes.
LEAST_AFTER_NEWS = timedelta(seconds=30)
#: (time for which the feed has been failing, longest wait after a failure until that time).
_BACKOFF = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta.max, timedelta(hours=24)),
)


def shortest_interval(feed: Feed, policy: FetchPolicy) -> timedelta:
    """Return the shortest interval between two polls of the feed."""
    # The feed's own interval overrides the general one; a known place (places.py) sets a minimum for both.
    interval = feed.every or min(policy.every, feed.at_least or timedelta.max)
    return max(interval, places.etiquette_of(feed).every)


def longest_interval(feed: Feed, policy: FetchPolicy) -> timedelta:
    """Return the longest interval that the rhythm can cause. With its random part, the wait is at most ``at_least``."""
    return max(shortest_interval(feed, policy), (feed.at_least or policy.at_least) / (1 + _JITTER))


def learn_interval(
    rhythm: Sequence[datetime],
    *,
    window: int,
    since: datetime | None,
    shortest: timedelta,
    longest: timedelta,
    now: datetime,
) -> timedelta:
    """Return the interval that fits a feed's arrivals; ``since`` is the time of its first poll.

    Silence counts as a gap, so a feed that stops is polled less and less often, up to the longest interval. The
    interval also fits twice into the shortest time in which as many items as a document has (``window``) have arrived
    (bench/soak/day.py).
    """
    recent = rhythm[-_RECENT:]
    begin = recent[0] if recent else since
    if begin is None:
        return shortest
    gaps = max(1, len(recent) - 1)
    mean = (recent[-1] - recent[0]) / gaps if len(recent) > 1 else timedelta()
    silence = now - (recent[-1] if recent else begin)
    wait = min(max(mean, silence / 2) / _POLLS_A_GAP, _turnover(rhythm, window) / _POLLS_A_TURNOVER)
    return min(max(wait, shortest), longest)


def _turnover(rhythm: Sequence[datetime], window: int) -> timedelta:
    """Return the shortest time in which ``window`` items arrived; estimate it if ``rhythm`` has fewer items."""
    count = min(window, len(rhythm) - 1)
    if count < _LEAST_BURST:
        return timedelta.max
    fastest = min(last - first for first, last in zip(rhythm, rhythm[count:], strict=False))
    return fastest * window / count


def plan_next_poll(
    state: FeedState, *, wait: timedelta, fresh_until: datetime | None, now: datetime, jitter: float
) -> datetime:
    """Return the time of the next poll: ``wait`` from now, or later if the feed or its response asks for it."""
    due = now + wait
    if state.publisher_limits.ttl is not None:
        due = max(due, now + min(state.publisher_limits.ttl, _LONGEST_ASKED))
    if fresh_until is not None:
        due = max(due, min(fresh_until, now + _LONGEST_ASKED))
    due += (due - now) * _JITTER * jitter
    return _past_skipped(due, hours=state.publisher_limits.skip_hours, days=state.publisher_limits.skip_days)


def _past_skipped(due: datetime, *, hours: Sequence[int], days: Sequence[int]) -> datetime:
    """Return the first moment from ``due`` on that the feed does not ask to skip, or ``due`` if it skips every hour."""
    if not hours and not days:
        return due
    moment = due
    for _ in range(24 * 7):
        if moment.hour not in hours and moment.weekday() not in days:
            return moment
        # Keep the minute, so that feeds are not all polled at the full hour.
        moment += _HOUR
    return due


def back_off(*, interval: timedelta, failures: int, failing: timedelta, now: datetime, jitter: float) -> datetime:
    """Return the time of the next poll after a failure: double the interval each time, up to the limit of _BACKOFF."""
    longest = next(wait for until, wait in _BACKOFF if failing < until)
    wait = min(interval * (1 << min(max(failures - 1, 0), 20)), max(longest, interval))
    return now + wait + wait * (_JITTER * jitter)


def plan_after_push(state: FeedState, feed: Feed, *, now: datetime) -> datetime | None:
    """Return when to poll a feed whose server reported news, or None to keep its rhythm.

    A feed that fails, or whose document takes long to parse, keeps its rhythm. A stranger may have sent the report, so
    the pause between requests to the feed's host is kept too.
    """
    if state.failures or state.is_slow:
        return None
    if state.polled_at is None:
        return now
    return max(now, state.polled_at + max(LEAST_AFTER_NEWS, places.etiquette_of(feed).every))


#: A host that limits this many addresses within ``_WITHIN`` counts as limiting all requests.
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


def request_host(state: FeedState) -> str:
    """Return the host that the feed's next request goes to."""
    return host_of(state.moved_to or state.url)


def host_limit(recent: Sequence[tuple[str, datetime, datetime]]) -> datetime | None:
    """Return the time until which the whole host limits requests, or None.

    ``recent`` lists limits of single addresses: address, time, end. If enough addresses are limited within a short
    time, the latest end counts.
    """
    by_time = sorted(recent, key=lambda limit: limit[1])
    latest: datetime | None = None
    for _, begin, _ in by_time:
        together = [limit for limit in by_time if begin <= limit[1] <= begin + _WITHIN]
        if len({url for url, _, _ in together}) >= _ADDRESSES:
            latest = max([until for _, _, until in together] + ([latest] if latest else []))
    return latest
