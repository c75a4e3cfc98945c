"""The next time: the feed's own rhythm between two bounds, and what its publisher asks for.

Pure arithmetic over times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot import model
from bot.polling import places

#: Polls in the mean gap between two articles: an article then waits a sixteenth of that gap on the average.
_POLLS_A_GAP = 8
#: Polls in the time in which a feed's document can turn over.
_POLLS_A_TURNOVER = 2
#: Fewer arrivals are no burst.
_LEAST_BURST = 5
#: The rhythm is that of the last so many arrivals.
_RECENT = 20
#: Publishers write “one year” by mistake; a day is as long as a news feed is left alone for a header.
_LONGEST_ASKED = timedelta(hours=24)
#: A Retry-After is kept whatever it says, up to here.
_LONGEST_LIMIT = timedelta(days=7)
#: How much of a wait is added at random at most, so that feeds added together drift apart.
_JITTER = 0.1
_HOUR = timedelta(hours=1)
#: The shortest time between two polls, whatever is reported.
LEAST_AFTER_NEWS = timedelta(seconds=30)
#: The longest wait after a failure, by how long it has been failing.
_BACKOFF = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta.max, timedelta(hours=24)),
)


def shortest(feed: model.Feed, policy: model.FetchPolicy) -> timedelta:
    """The shortest interval between two polls of the feed."""
    # A shorter interval of this feed counts before that of all feeds; a known place's before both.
    wanted = feed.every or min(policy.every, feed.at_least or timedelta.max)
    return max(wanted, places.etiquette(feed).every)


def longest(feed: model.Feed, policy: model.FetchPolicy) -> timedelta:
    """The longest interval that our own rhythm leads to, so that the random part of a wait stays within it."""
    return max(shortest(feed, policy), (feed.at_least or policy.at_least) / (1 + _JITTER))


def learnt(
    rhythm: Sequence[datetime],
    *,
    window: int,
    since: datetime | None,
    shortest: timedelta,
    longest: timedelta,
    now: datetime,
) -> timedelta:
    """The interval that a feed's arrivals ask for; ``since`` is when the feed was first read.

    Silence counts as a gap, so a feed that stops is asked less and less, up to the longest; but never so seldom that
    a burst such as it had before fills its document, which lists ``window`` items, twice (bench/soak/day.py).
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
    """The shortest time in which more items came than the document lists; of a long one, as its part says."""
    count = min(window, len(rhythm) - 1)
    if count < _LEAST_BURST:
        return timedelta.max
    fastest = min(last - first for first, last in zip(rhythm, rhythm[count:], strict=False))
    return fastest * window / count


def next_poll(
    state: model.FeedState, *, wait: timedelta, fresh_until: datetime | None, now: datetime, jitter: float
) -> datetime:
    """``wait`` from now, later where the publisher asks for it, in the feed or by its answer; never earlier."""
    due = now + wait
    if state.ttl is not None:
        due = max(due, now + min(state.ttl, _LONGEST_ASKED))
    if fresh_until is not None:
        due = max(due, min(fresh_until, now + _LONGEST_ASKED))
    due += (due - now) * _JITTER * jitter
    return _past_skipped(due, hours=state.skip_hours, days=state.skip_days)


def _past_skipped(due: datetime, *, hours: Sequence[int], days: Sequence[int]) -> datetime:
    """The first moment from ``due`` that the feed does not ask to skip; one that skips all skips nothing."""
    if not hours and not days:
        return due
    moment = due
    for _ in range(24 * 7):
        if moment.hour not in hours and moment.weekday() not in days:
            return moment
        # The minute is kept, so that feeds do not all come at the full hour.
        moment += _HOUR
    return due


def backed_off(*, interval: timedelta, failures: int, failing: timedelta, now: datetime, jitter: float) -> datetime:
    """Doubling from the interval, up to an hour on the first day, six in the first week, then a day."""
    longest = next(wait for until, wait in _BACKOFF if failing < until)
    wait = min(interval * (1 << min(max(failures - 1, 0), 20)), max(longest, interval))
    return now + wait + wait * (_JITTER * jitter)


def pushed(state: model.FeedState, feed: model.Feed, *, now: datetime) -> datetime | None:
    """Return when a feed is polled of which its server reported news.

    None while it keeps its own rhythm: it fails, or its document takes long to read. Whoever reports news may be a
    stranger, so the pause that the feed's host asks for holds too.
    """
    if state.failures or state.is_slow:
        return None
    if state.polled_at is None:
        return now
    return max(now, state.polled_at + max(LEAST_AFTER_NEWS, places.etiquette(feed).every))


def limited_until(until: datetime, *, now: datetime) -> datetime:
    """The time until which a host asked to be left alone, no further away than we honour."""
    return min(until, now + _LONGEST_LIMIT)
