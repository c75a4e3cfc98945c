"""Make the request of a poll, and the feed's new state after a parsed document, another response or a failure.

Pure: time and jitter are arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from bot.feeds import places, schedule
from bot.model import visible
from bot.model.durations import format_count, format_duration, is_recent
from bot.model.feeds import DayUse, Feed, FeedState, NamedHub, ParsedFeed, PublisherLimits, Rhythm, Validators
from bot.model.fetching import Request, Response
from bot.model.settings import FetchPolicy

#: A permanent redirect is stored after this many polls in a row, because servers in trouble send single ones.
MOVES_BELIEVED = 3
#: After this many failures at the address of a redirect, the address in feeds.yaml is polled again.
_MOVE_FAILURES = 3
#: The wait after a rate limit that names no time; each further limit doubles it.
_LIMIT_WAIT = timedelta(minutes=15)
_LONGEST_LIMIT_WAIT = timedelta(hours=6)
#: Longest Retry-After that is obeyed.
_LONGEST_LIMIT = timedelta(days=7)
_LIMITS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_RHYTHM = 50
#: Interval after which all items of a changed document are parsed, so that their stored identities do not expire.
NAMED_EVERY = timedelta(days=7)
#: Maximum length of an error text, because a state is stored as one small document.
_MAX_ERROR = 500
#: The wait of a feed that is never polled again.
_NEVER = timedelta(days=3650)


def make_request(state: FeedState, feed: Feed | None = None) -> Request:
    """Return the request of the next poll. It contains validators only if the feed has been parsed before."""
    is_read = state.baseline_at is not None
    return Request(
        url=state.moved_to or state.url,
        etag=state.validators.etag if is_read else None,
        last_modified=state.validators.last_modified if is_read else None,
        access=feed.access if feed else None,
        home=state.url,
        options=feed.options if feed else "{}",
        pace=places.etiquette_of(feed).pace if feed else timedelta(),
    )


def hash_body(body: bytes) -> str:
    """Return SHA-256 in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def is_naming_due(state: FeedState, now: datetime) -> bool:
    """Return whether items with known bytes must be parsed too, because identities that are not seen expire."""
    return not is_recent(state.named_at, NAMED_EVERY, now)


def is_unchanged(state: FeedState, digest: str) -> bool:
    """Return whether this is the hash of the body that was parsed last."""
    return state.baseline_at is not None and state.validators.body_hash == digest


@dataclass(frozen=True, slots=True)
class FinishedPoll:
    """A poll that has ended. Its methods return the feed's new state."""

    #: The state before the poll.
    state: FeedState
    feed: Feed
    policy: FetchPolicy
    now: datetime
    #: From 0 to 1, drawn at random.
    jitter: float

    def after_reading(
        self,
        reading: ParsedFeed,
        answer: Response,
        *,
        digest: str,
        new_count: int,
        arrivals: Sequence[datetime],
        names_known: bool = False,
    ) -> FeedState:
        """Return the state after a body was parsed.

        ``digest`` is the body's hash. ``arrivals`` are the times when its new articles arrived; at a first poll, the
        entries' dates count instead. If ``names_known`` is true, ``reading`` also contains the items with known bytes.
        """
        state, now = self.state, self.now
        is_baseline, place = state.baseline_at is None, places.place_of(self.feed.url)
        # Items with known bytes contain nothing new.
        entries = [entry for entry in reading.entries if is_baseline or not entry.identity_only]
        dates = [date for entry in entries if (date := entry.published or entry.updated) is not None]
        # A document without hashes is parsed as a whole each time.
        is_named = names_known or not state.validators.item_hashes or not reading.item_hashes
        arrivals = [date for date in dates if date <= now] if is_baseline else arrivals
        items = max(len(reading.item_hashes), len(reading.entries))
        # A feed that never had an item is new, not broken.
        rhythm = state.rhythm
        empty_since = rhythm.empty_since or (now if rhythm.item_count else None)
        hub = place.hub or answer.links.get("hub") or reading.hub
        topic: str | None
        topic = place.topic(answer.url) if place.hub else answer.links.get("self") or reading.topic or answer.url
        if visible.has_secret(self.feed.url) or visible.has_secret(topic):
            hub = topic = None  # do not send the secret to the hub
        is_new_day = state.today.day != now.date()
        today = DayUse(day=now.date()) if is_new_day else state.today
        is_same_hub = (hub, topic) == (state.hub.url, state.hub.topic)
        state = replace(
            state,
            **self._moving(answer),
            **self._success(answer),
            title=state.title or reading.title,
            new_title=reading.title if reading.title and reading.title != (state.title or reading.title) else None,
            baseline_at=state.baseline_at or now,
            is_slow=reading.was_slow,
            validators=Validators(
                etag=reading.read_to or answer.etag,
                last_modified=answer.last_modified,
                body_hash=digest,
                item_hashes=reading.item_hashes,
            ),
            remarks=(*reading.remarks, *(() if reading.is_increment else self._slid_out(items, new_count))),
            rhythm=Rhythm(
                arrivals=tuple(sorted((*rhythm.arrivals, *arrivals)))[-_RHYTHM:],
                interval=rhythm.interval,
                new_at=now if new_count else rhythm.new_at,
                item_count=items,
                empty_since=None if items or reading.is_increment else empty_since,
                has_dates=rhythm.has_dates or bool(dates),
                undated_count=0 if dates else rhythm.undated_count + len(entries),
            ),
            publisher_limits=PublisherLimits(
                fresh_until=answer.fresh_until,
                ttl=reading.ttl,
                skip_hours=reading.skip_hours,
                skip_days=reading.skip_days,
            ),
            named_at=now if is_named else state.named_at,
            today=replace(today, unreadable=today.unreadable + reading.skipped),
            # Forget the last report on a new day, so that a flood or unreadable mails are reported once a day.
            reported=tuple(kind for kind in state.reported if kind not in (FLOOD, SKIPPED) or not is_new_day),
            hub=state.hub if is_same_hub else NamedHub(url=hub, topic=topic, changed_at=now),
        )
        # If half of the items are new, poll sooner, so that no item comes and goes between two polls.
        is_hurried = not is_baseline and not reading.is_increment and items > 0 and new_count * 2 >= items
        return replace(state, **self._schedule(state, answer, is_hurried=is_hurried))

    def after_answer(self, answer: Response) -> FeedState:
        """Return the state after a response without a new document: 304, an unchanged body, or an error status."""
        state = self.state
        if answer.status == HTTPStatus.NOT_MODIFIED and state.baseline_at is None:
            return self.after_failure("304 Not Modified to an unconditional request; inform the publisher")
        if answer.status in (HTTPStatus.NOT_MODIFIED, HTTPStatus.OK):
            return replace(
                state,
                **self._moving(answer),
                **self._success(answer),
                **self._schedule(state, answer),
                # A 304 may have new validators (RFC 9110 section 15.4.5).
                validators=replace(
                    state.validators,
                    etag=answer.etag or state.validators.etag,
                    last_modified=answer.last_modified or state.validators.last_modified,
                ),
                publisher_limits=replace(state.publisher_limits, fresh_until=answer.fresh_until),
            )
        if answer.status == HTTPStatus.GONE and state.moved_to is None:
            failed = self.after_failure(describe_status(HTTPStatus.GONE))
            return replace(failed, gone=True, due_at=self.now + _NEVER)
        is_outage = answer.status in places.place_of(self.feed.url).outages
        failed = self.after_failure(describe_status(answer.status, is_outage=is_outage))
        if not self._is_limit(answer):
            return failed
        if answer.retry_after is not None:
            until = min(answer.retry_after, self.now + _LONGEST_LIMIT)
        else:
            until = self.now + min(_LIMIT_WAIT * 2 ** min(failed.failures - 1, 10), _LONGEST_LIMIT_WAIT)
        return replace(failed, limited_at=self.now, retry_after=until, due_at=max(until, failed.due_at))

    def after_failure(self, error_text: str) -> FeedState:
        """Return the state after a failed request or an unreadable document, with a longer wait after each failure."""
        state = self.state
        failures = state.failures + 1
        since = state.failing_since or self.now
        failed = replace(
            state,
            polled_at=self.now,
            failures=failures,
            failing_since=since,
            error=error_text[:_MAX_ERROR],
            moving_to=None,
            moving_count=0,
            due_at=schedule.back_off(
                interval=schedule.shortest_interval(self.feed, self.policy),
                failures=failures,
                failing=self.now - since,
                now=self.now,
                jitter=self.jitter,
            ),
        )
        if state.moved_to is not None and failures >= _MOVE_FAILURES:
            # Drop the validators, which belong to the redirect's address.
            return replace(failed, moved_to=None, validators=replace(failed.validators, etag=None, last_modified=None))
        return failed

    def _slid_out(self, items: int, new_count: int) -> tuple[str, ...]:
        """Return a remark if no item of the last poll is left."""
        state = self.state
        if (
            state.baseline_at is None
            or state.polled_at is None
            or not state.rhythm.item_count
            or new_count < max(items, 2)
        ):
            return ()
        text = f"all {items} items are new since the last poll; some may have come and gone unseen"
        limits = state.publisher_limits
        requested = max(limits.ttl or timedelta(), (limits.fresh_until or state.polled_at) - state.polled_at)
        minutes = round(requested / timedelta(minutes=1))
        # If the publisher asked for the wait, only the publisher can shorten it.
        if minutes and requested >= (self.now - state.polled_at) / 2:
            wait = format_duration(timedelta(minutes=minutes))
            text += f", because the server asks to wait for {wait}; inform the publisher"
        return (text,)

    def _success(self, answer: Response) -> dict[str, Any]:
        """Return the fields that a good response changes, so that the state is copied only once."""
        return {
            "polled_at": self.now,
            "ok_at": self.now,
            "failures": 0,
            "failing_since": None,
            "error": None,
            "retry_after": None,
            "limited_at": None,
            "gone": False,
            "certificate_until": answer.certificate_until,
        }

    def _moving(self, answer: Response) -> dict[str, Any]:
        """Return the fields that a permanent redirect changes."""
        state, target = self.state, answer.permanent_url
        if target is None or target == (state.moved_to or state.url):
            return {"moving_to": None, "moving_count": 0}
        count = state.moving_count + 1 if target == state.moving_to else 1
        if count < MOVES_BELIEVED:
            return {"moving_to": target, "moving_count": count}
        return {"moved_to": target, "moving_to": None, "moving_count": 0}

    def _schedule(self, state: FeedState, answer: Response, *, is_hurried: bool = False) -> dict[str, Any]:
        """Return the state's fields for the interval and the time of the next poll, after a successful one."""
        interval = shortest = schedule.shortest_interval(self.feed, self.policy)
        if not is_hurried:
            interval = schedule.learn_interval(
                state.rhythm.arrivals,
                window=state.rhythm.item_count,
                since=state.baseline_at,
                shortest=shortest,
                longest=schedule.longest_interval(self.feed, self.policy),
                now=self.now,
            )
        due_at = schedule.plan_next_poll(
            state, wait=interval, fresh_until=answer.fresh_until, now=self.now, jitter=self.jitter
        )
        return {"rhythm": replace(state.rhythm, interval=interval), "due_at": due_at}

    def _is_limit(self, answer: Response) -> bool:
        if answer.status in _LIMITS or answer.retry_after is not None:
            return True
        # Some hosts send 403 instead of 429. It counts as a limit if the previous poll was successful.
        was_well = self.state.ok_at is not None and self.state.failures == 0
        return answer.status == HTTPStatus.FORBIDDEN and (was_well or self.state.retry_after is not None)


_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "it requires a user name and a password",
    HTTPStatus.FORBIDDEN: "the server refuses access; if it continues, ask the publisher to allow the feed reader",
    HTTPStatus.NOT_FOUND: "the feed is no longer at this address; find its new address and correct feeds.yaml",
    HTTPStatus.GONE: "the publisher has ended this feed; it is no longer polled: remove or correct it in feeds.yaml",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests for this server; polling is paused for as long as the server asks",
    HTTPStatus.SERVICE_UNAVAILABLE: "the server is overloaded or closed; polling is paused for a while",
}


def describe_status(status: int, *, is_outage: bool = False) -> str:
    """Describe a status and its remedy for people. ``is_outage`` means that the server sends it during outages.

    >>> describe_status(502)
    '502 Bad Gateway: the server is in trouble; it will be tried again'
    """
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = f"status {status}"
    if is_outage:
        return f"{name}: this server sends this status during its outages too; it will be tried again"
    return f"{name}: {_ADVICE.get(status) or _class_advice(status)}"


def _class_advice(status: int) -> str:
    if 200 <= status < 300:
        return "the response contains no feed; inform the publisher"
    if 300 <= status < 400:
        return "the redirect has no address; inform the publisher"
    if status >= 500:
        return "the server is in trouble; it will be tried again"
    return "the server refuses the request; open the address in a browser and correct feeds.yaml"


#: An item with more characters counts as several items, so that the limit on items also limits bytes.
ITEM_CHARACTERS = 20_000
#: Kinds of the health events for a feed that exceeds the daily limit on items, and for unreadable mails.
FLOOD, SKIPPED = "flood", "skipped"


def count_fitting(state: FeedState, lengths: Sequence[int], *, most: int, now: datetime) -> tuple[int, int]:
    """Return how many items, from the first on, may be stored today, and how much they count towards the limit.

    ``lengths`` are the characters of each item's text. On a day with nothing stored, one item always fits.
    """
    used = _used_today(state, now)
    fits = cost = 0
    for length in lengths:
        item_cost = 1 + length // ITEM_CHARACTERS
        if used + cost + item_cost > most and used + cost > 0:
            break
        cost += item_cost
        fits += 1
    return fits, cost


def _used_today(state: FeedState, now: datetime) -> int:
    """Return how much the articles that were stored on the UTC day of ``now`` count towards the limit."""
    return state.today.stored if state.today.day == now.date() else 0


def count_stored(state: FeedState, *, cost: int, postponed: int, most: int, etag: str | None = None) -> FeedState:
    """Return the state after the items of a parsed document were stored, except for ``postponed`` ones.

    Add ``cost`` to the count of the day. ``etag`` makes the next request return the postponed items.
    """
    today = replace(state.today, stored=state.today.stored + cost, postponed=postponed)
    if not postponed:
        return replace(state, today=today)
    items = f"{format_count(postponed, 'item')} {'was' if postponed == 1 else 'were'}"
    remark = f"{items} left for tomorrow: at most {most} a day are stored (fetch.max_items_per_day)"
    # Forget the document, so that it is parsed again even if it is unchanged.
    return replace(state, today=today, validators=Validators(etag=etag), remarks=(*state.remarks, remark))
