"""The next time: the feed's own rhythm between two bounds, and what its publisher asks for.

Pure arithmetic over times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot import model

#: The longest learnt interval, in shortest ones: 5 minutes become at most an hour.
_SLOWEST = 12
#: Polls in the mean gap between two articles: an article then waits a sixteenth of that gap on the average.
_POLLS_A_GAP = 8
#: The rhythm is that of the last so many arrivals.
_RECENT = 20
#: Publishers write «one year» by mistake; a day is as long as a news feed is left alone for a header.
_LONGEST_ASKED = timedelta(hours=24)
#: A Retry-After is kept whatever it says, up to here.
_LONGEST_LIMIT = timedelta(days=7)
#: How much of a wait is added at random at most, so that feeds added together drift apart.
_JITTER = 0.1
_HOUR = timedelta(hours=1)
#: The longest wait after a failure, by how long it has been failing.
_BACKOFF = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta.max, timedelta(hours=24)),
)


def shortest(feed: model.Feed, policy: model.FetchPolicy) -> timedelta:
    return feed.every or policy.every


def learnt(rhythm: Sequence[datetime], *, since: datetime | None, shortest: timedelta, now: datetime) -> timedelta:
    """The interval that a feed's arrivals ask for; ``since`` is when the feed was first read.

    Silence counts as a gap, so a feed that stops is asked less and less, down to the slowest.
    """
    recent = rhythm[-_RECENT:]
    begin = recent[0] if recent else since
    if begin is None:
        return shortest
    gaps = max(1, len(recent) - 1)
    mean = (recent[-1] - recent[0]) / gaps if len(recent) > 1 else timedelta()
    silence = now - (recent[-1] if recent else begin)
    return min(max(max(mean, silence / 2) / _POLLS_A_GAP, shortest), shortest * _SLOWEST)


def next_poll(state: model.FeedState, *, wait: timedelta, now: datetime, jitter: float) -> datetime:
    """``wait`` from now, later where the publisher asks for it; never earlier."""
    due = now + wait
    if state.ttl is not None:
        due = max(due, now + min(state.ttl, _LONGEST_ASKED))
    if state.fresh_until is not None:
        due = max(due, min(state.fresh_until, now + _LONGEST_ASKED))
    due += (due - now) * _JITTER * jitter
    return past_skipped(due, hours=state.skip_hours, days=state.skip_days)


def past_skipped(due: datetime, *, hours: Sequence[int], days: Sequence[int]) -> datetime:
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


def limited_until(until: datetime, *, now: datetime) -> datetime:
    return min(until, now + _LONGEST_LIMIT)
