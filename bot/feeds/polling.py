"""Make the request of a poll, find the feed's new state after it, and plan the next poll.

Pure: time and jitter are arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from bot.durations import format_count, format_duration, is_recent
from bot.feeds import places
from bot.feeds.links import host_of
from bot.model.feeds import Feed, FeedState, ParsedFeed, PublisherLimits, Validators
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
#: Interval after which all items of a changed document are parsed, so that their stored identities do not expire.
NAMED_EVERY = timedelta(days=7)
#: Maximum length of an error text, because a state is stored as one small document.
_MAX_ERROR = 500
#: A poll that is overdue by more than this shows that the bot was off.
UNPOLLED = timedelta(hours=1)
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
        pace=places.place_of(feed.url).pace if feed else timedelta(),
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


def _validators_of(reading: ParsedFeed, answer: Response, digest: str) -> Validators:
    return Validators(
        etag=reading.read_to or answer.etag,
        last_modified=answer.last_modified,
        body_hash=digest,
        item_hashes=reading.item_hashes,
    )


def _still_reported(state: FeedState, now: datetime) -> tuple[str, ...]:
    """Return what was reported, without floods and unreadable mails of another day: they are reported once a day."""
    if state.today.day == now.date():
        return state.reported
    return tuple(kind for kind in state.reported if kind not in (FLOOD, SKIPPED))


class FinishedPoll(msgspec.Struct, frozen=True):
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
        state, now = self._after_success(answer), self.now
        if is_baseline := state.baseline_at is None:
            dates = (entry.published or entry.updated for entry in reading.entries)
            arrivals = [date for date in dates if date is not None and date <= now]
        items = max(len(reading.item_hashes), len(reading.entries))
        # A document without hashes is parsed as a whole each time.
        is_named = names_known or not state.validators.item_hashes or not reading.item_hashes
        slid_out = () if reading.is_increment else self._slid_out(items, new_count)
        state = replace(
            state,
            title=state.title or reading.title,
            new_title=reading.title if reading.title != (state.title or reading.title) else None,
            baseline_at=state.baseline_at or now,
            named_at=now if is_named else state.named_at,
            validators=_validators_of(reading, answer, digest),
            rhythm=state.rhythm.after_document(
                arrivals, has_news=new_count > 0, item_count=items, is_increment=reading.is_increment, now=now
            ),
            publisher_limits=PublisherLimits(fresh_until=answer.fresh_until, ttl=reading.ttl),
            today=state.today.after_document(reading.skipped, day=now.date()),
            remarks=(*reading.remarks, *slid_out),
            reported=_still_reported(state, now),
        )
        # If half of the items are new, poll sooner, so that no item comes and goes between two polls.
        is_hurried = not is_baseline and not reading.is_increment and items > 0 and new_count * 2 >= items
        return self._schedule(state, answer, is_hurried=is_hurried)

    def after_answer(self, answer: Response) -> FeedState:
        """Return the state after a response without a new document: 304, an unchanged body, or an error status."""
        state = self.state
        if answer.status == HTTPStatus.NOT_MODIFIED and state.baseline_at is None:
            return self.after_failure("304 Not Modified to an unconditional request; inform the publisher")
        if answer.status in (HTTPStatus.NOT_MODIFIED, HTTPStatus.OK):
            state = self._after_success(answer)
            state = replace(
                state,
                validators=state.validators.after_not_modified(etag=answer.etag, last_modified=answer.last_modified),
                publisher_limits=replace(state.publisher_limits, fresh_until=answer.fresh_until),
            )
            return self._schedule(state, answer)
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
        if self.now - state.due_at > UNPOLLED:
            # A failure does not last longer because nobody polled.
            since = min(since + (self.now - state.due_at), self.now)
        failed = replace(
            state,
            polled_at=self.now,
            failures=failures,
            failing_since=since,
            error=error_text[:_MAX_ERROR],
            moving_to=None,
            moving_count=0,
            due_at=back_off(
                interval=shortest_interval(self.feed, self.policy),
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

    def _after_success(self, answer: Response) -> FeedState:
        """Return the state after a response that shows that the feed is well, apart from what the response contains."""
        moved_to, moving_to, moving_count = self._follow_redirect(answer.permanent_url)
        return replace(
            self.state,
            polled_at=self.now,
            ok_at=self.now,
            failures=0,
            failing_since=None,
            error=None,
            retry_after=None,
            limited_at=None,
            gone=False,
            moved_to=moved_to,
            moving_to=moving_to,
            moving_count=moving_count,
        )

    def _follow_redirect(self, target: str | None) -> tuple[str | None, str | None, int]:
        """Return where the feed has moved to, where it is moving to, and how many responses have redirected there."""
        state = self.state
        if target is None or target == (state.moved_to or state.url):
            return state.moved_to, None, 0
        count = state.moving_count + 1 if target == state.moving_to else 1
        return (state.moved_to, target, count) if count < MOVES_BELIEVED else (target, None, 0)

    def _schedule(self, state: FeedState, answer: Response, *, is_hurried: bool = False) -> FeedState:
        """Return the state with the interval and the time of the next poll, after a successful one."""
        interval = shortest = shortest_interval(self.feed, self.policy)
        if not is_hurried:
            interval = learn_interval(
                state.rhythm.arrivals,
                window=state.rhythm.item_count,
                since=state.baseline_at,
                shortest=shortest,
                longest=longest_interval(self.feed, self.policy),
                now=self.now,
            )
        due_at = plan_next_poll(state, wait=interval, fresh_until=answer.fresh_until, now=self.now, jitter=self.jitter)
        return replace(state, rhythm=replace(state.rhythm, interval=interval), due_at=due_at)

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
    used = state.today.stored if state.today.day == now.date() else 0
    fits = cost = 0
    for length in lengths:
        item_cost = 1 + length // ITEM_CHARACTERS
        if used + cost + item_cost > most and used + cost > 0:
            break
        cost += item_cost
        fits += 1
    return fits, cost


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
#: Interval between two looks at a mailbox, unless the feed has its own. A look without new mails is cheap.
MAILBOX_EVERY = timedelta(minutes=1)
#: (time for which the feed has been failing, longest wait after a failure until that time).
_BACKOFF = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta.max, timedelta(hours=24)),
)


def shortest_interval(feed: Feed, policy: FetchPolicy) -> timedelta:
    """Return the shortest interval between two polls of the feed."""
    # The feed's own interval overrides the general one; a known place (places.py) sets a minimum for both.
    general = MAILBOX_EVERY if feed.kind == "imap" else policy.every
    interval = feed.every or min(general, feed.at_least or timedelta.max)
    return max(interval, places.place_of(feed.url).every)


def longest_interval(feed: Feed, policy: FetchPolicy) -> timedelta:
    """Return the longest interval that the rhythm can cause. With its random part, the wait is at most ``at_least``."""
    shortest = shortest_interval(feed, policy)
    if feed.kind == "imap" and feed.at_least is None:
        return shortest
    return max(shortest, (feed.at_least or policy.at_least) / (1 + _JITTER))


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
    return due + (due - now) * _JITTER * jitter


def back_off(*, interval: timedelta, failures: int, failing: timedelta, now: datetime, jitter: float) -> datetime:
    """Return the time of the next poll after a failure: double the interval each time, up to the limit of _BACKOFF."""
    longest = next(wait for until, wait in _BACKOFF if failing < until)
    wait = min(interval * (1 << min(max(failures - 1, 0), 20)), max(longest, interval))
    return now + wait + wait * (_JITTER * jitter)


#: A host that limits this many addresses within ``_WITHIN`` counts as limiting all requests.
_ADDRESSES = 3
_WITHIN = timedelta(minutes=10)


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
