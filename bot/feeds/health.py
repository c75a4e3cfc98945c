"""Find the problems of a feed: the pages, `status`, `status --check` and the operator's notices all show this list.

Pure: reads a state and writes nothing. Notices report a change of the list once. Their caller stores the result of
``mark_reported``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from bot.durations import format_count
from bot.feeds import places, polling
from bot.model import visible
from bot.model.feeds import Feed, FeedState

#: A feed is broken after this many failures in a row, or after a day of failures.
BROKEN_FAILURES = 5
_A_DAY = timedelta(hours=24)
#: A feed is silent after this many times the longest gap between its last arrivals.
_SILENT_GAPS = 3
#: Minimum silence that is reported.
_SILENT_AT_LEAST = timedelta(days=2)
#: Minimum arrivals from which the longest gap is computed.
_HISTORY = 8


class HealthProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem of one feed. ``text`` continues a sentence that begins with the feed's name."""

    #: failing, broken, gone, moved, renamed, skipped, empty, silent, expected or flood.
    kind: str
    text: str


class HealthEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change in one feed's health, to be reported to the operator."""

    #: The kind of the problem.
    kind: str
    text: str
    #: Whether the problem is over.
    is_well: bool = False


def find_health_events(state: FeedState, feed: Feed, now: datetime) -> tuple[HealthEvent, ...]:
    """Return the events that have not been reported to the operator yet."""
    # Most failures end with the next poll, so operators are notified only about a feed that keeps failing.
    problems = {problem.kind: problem.text for problem in find_problems(state, feed, now) if problem.kind != "failing"}
    if not problems and not state.reported:
        return ()
    name, address = feed.name or state.title, visible.masked(feed.url)
    name = f"{name} ({address})" if name else address
    new = [
        HealthEvent(kind=kind, text=f"{name} {text}") for kind, text in problems.items() if kind not in state.reported
    ]
    if state.gone:
        return tuple(new)
    over = [
        HealthEvent(kind=kind, text=f"{name} {_OVER[kind]}", is_well=True)
        for kind in state.reported
        if kind not in problems and kind in _OVER
    ]
    return (*new, *over)


def mark_reported(state: FeedState, events: Sequence[HealthEvent]) -> FeedState:
    """Return the state after these events were reported."""
    over = {event.kind for event in events if event.is_well}
    new = [event.kind for event in events if not event.is_well]
    kept = [kind for kind in state.reported if kind not in over]
    return replace(state, reported=tuple(dict.fromkeys([*kept, *new])))


_OVER = {
    "broken": "works again",
    "gone": "is back",
    "moved": "works at the address in feeds.yaml again",
    "empty": "has items again",
    "silent": "has articles again",
    "expected": "has an article again",
}


def find_problems(state: FeedState, feed: Feed, now: datetime) -> tuple[HealthProblem, ...]:
    """Return everything that is wrong with a feed at the time of its last poll, since nothing is known of it later."""
    return tuple(HealthProblem(kind=kind, text=text) for kind, text in _problems(state, feed, now))


def _problems(state: FeedState, feed: Feed, now: datetime) -> Iterator[tuple[str, str]]:
    if state.gone:
        yield "gone", f"has ended: {state.error}"
        return
    place, rhythm = places.place_of(feed.url), state.rhythm
    if state.moved_to is not None and not place.is_page:
        address = visible.masked(state.moved_to)
        yield "moved", f"has moved permanently to {address} and is polled there; write that address into feeds.yaml"
    failing = now - state.failing_since if state.failing_since else timedelta()
    if state.failures:
        is_broken = (state.failures >= BROKEN_FAILURES and not place.outages) or failing >= _A_DAY
        times = f"{state.failures} times in a row, for {_format_length(failing)}" if state.failures > 1 else "once"
        if state.failures == 1 and is_broken:
            times = f"once, {_format_length(failing)} ago"
        error = (state.error or "no answer").removeprefix(f"{feed.url}: ")
        yield "broken" if is_broken else "failing", f"has failed {times}: {error}"
    if state.new_title is not None and not feed.name:
        titles = f'is now titled "{state.new_title}"; its articles still show "{state.title}"'
        yield "renamed", f"{titles}; to show the new title, set name: in feeds.yaml"
    is_today = state.today.day == now.date()
    if state.today.postponed and is_today:
        # Report this, because the feed may drop the waiting items before tomorrow.
        yield polling.FLOOD, f"has more items than fetch.max_items_per_day; {state.today.postponed} wait until tomorrow"
    if state.today.unreadable and is_today:
        mails = format_count(state.today.unreadable, "mail")
        yield polling.SKIPPED, f"has {mails} that could not be read and will be missing; see the log for the reason"
    if rhythm.empty_since is not None and now - rhythm.empty_since >= _A_DAY:
        yield "empty", f"has had no items for {_format_length(now - rhythm.empty_since)}; open it in a browser"
    last = rhythm.new_at or (rhythm.arrivals[-1] if rhythm.arrivals else None) or state.baseline_at
    if last is None:
        return
    silence = now - last
    if silence <= (feed.expect or _SILENT_AT_LEAST):
        return
    text = f"has had nothing new for {_format_length(silence)}"
    if feed.expect is not None:
        yield "expected", f"{text}; expected at least every {_format_length(feed.expect)} (expect:)"
        return
    longest = _longest_gap(state)
    # A failing feed is reported as broken, so its silence is not reported.
    if longest is None or (state.failures and "silent" not in state.reported):
        return
    if silence > longest * _SILENT_GAPS:
        yield "silent", f"{text}; the longest pause so far was {_format_length(longest)}"


def poll_remarks(state: FeedState) -> tuple[str, ...]:
    """Return remarks on the last poll: a redirect that may become permanent, and oddities of the document."""
    if state.moving_to is None or state.moved_to is not None or places.place_of(state.url).is_page:
        return state.remarks
    times = "once" if state.moving_count == 1 else f"{state.moving_count} times"
    return (f"redirected permanently to {visible.masked(state.moving_to)}, seen {times}", *state.remarks)


def _longest_gap(state: FeedState) -> timedelta | None:
    """Return the longest gap between the last arrivals, or None if there are too few."""
    arrivals = state.rhythm.arrivals
    if len(arrivals) < _HISTORY:
        return None
    return max(later - earlier for earlier, later in pairwise(arrivals))


def _format_length(duration: timedelta) -> str:
    """Return a duration in words.

    >>> _format_length(timedelta(hours=50)), _format_length(timedelta(minutes=61)), _format_length(timedelta(seconds=9))
    ('2 days', '1 hour', '1 minute')
    """
    minutes = max(1, int(duration.total_seconds() // 60))
    for unit, size in (("day", 1440), ("hour", 60)):
        # Hours are clearer than days below two days.
        if minutes >= size * (2 if unit == "day" else 1):
            count = minutes // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
