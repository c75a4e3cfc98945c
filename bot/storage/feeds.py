"""The state of each feed, who polls it, limits per host, and WebSub subscriptions."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, Update, and_, bindparam, case, delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.feeds import schedule
from bot.storage import columns
from bot.storage.columns import EnumText, Timestamp, chunks
from bot.storage.schema import feeds, host_limits, subscriptions

_NOW = bindparam("now", type_=Timestamp)
_AT = bindparam("at_time", type_=Timestamp)
_COLUMNS = (feeds.c.url, feeds.c.due_at, feeds.c.retry_after, feeds.c.gone, feeds.c.state)

_LISTING = select(feeds.c.url, feeds.c.is_listed)
_NEW = insert(feeds)
_ADD = _NEW.on_conflict_do_nothing(index_elements=[feeds.c.url])
_LIST_AGAIN = (
    update(feeds)
    .where(feeds.c.url.in_(bindparam("urls", expanding=True)))
    .values(
        is_listed=True,
        gone=False,
        due_at=_NOW,
        # A feed that responded with 410 counts as failing until it responds otherwise.
        health=case((feeds.c.health == model.FeedHealth.GONE, model.FeedHealth.FAILING), else_=feeds.c.health),
    )
)
_DELIST = update(feeds).where(feeds.c.url.in_(bindparam("urls", expanding=True))).values(is_listed=False)

# The state, not the listing: that is sync's.
_SAVE = _NEW.on_conflict_do_update(
    index_elements=[feeds.c.url],
    set_={
        name: _NEW.excluded[name]
        for name in ("due_at", "retry_after", "gone", "lease", "lease_until", "health", "named_at", "state")
    },
)
_HELD = (
    select(feeds.c.url)
    .where(feeds.c.url.in_(bindparam("urls", expanding=True)), feeds.c.lease == bindparam("token"))
    .with_for_update()
)
_GET = select(*_COLUMNS).where(feeds.c.url == bindparam("of_url"))
_ALL = select(*_COLUMNS).where(feeds.c.is_listed)
_OF_HEALTH = bindparam("health", expanding=True, type_=EnumText(model.FeedHealth))
_PAGE = (
    _ALL.where(feeds.c.health.in_(_OF_HEALTH)).order_by(feeds.c.url).limit(bindparam("most")).offset(bindparam("skip"))
)
_COUNTS = select(feeds.c.health, func.count()).where(feeds.c.is_listed).group_by(feeds.c.health)
_LIMITED = _ALL.where(feeds.c.retry_after.is_not(None))
_FREE = update(feeds).where(feeds.c.lease.is_not(None)).values(lease=None, lease_until=None)

_LIMITS = select(host_limits.c.host, host_limits.c.until).where(host_limits.c.until > _NOW)
_NEW_LIMIT = insert(host_limits)
_LIMIT = _NEW_LIMIT.on_conflict_do_update(
    index_elements=[host_limits.c.host],
    set_={"until": _NEW_LIMIT.excluded.until},
    where=_NEW_LIMIT.excluded.until > host_limits.c.until,
)

_PUT_BACK = (
    update(feeds)
    .where(feeds.c.url.in_(bindparam("urls", expanding=True)))
    .values(due_at=bindparam("until", type_=Timestamp), lease=None, lease_until=None)
)
_MAKE_DUE = update(feeds).where(feeds.c.is_listed, ~feeds.c.gone, feeds.c.due_at > _NOW).values(due_at=_NOW)
_HURRY = (
    update(feeds)
    .where(
        feeds.c.url == bindparam("of_url"),
        or_(feeds.c.lease_until.is_(None), feeds.c.lease_until <= _NOW),
    )
    .values(due_at=case((feeds.c.due_at > _AT, _AT), else_=feeds.c.due_at))
)
_RENEW = (
    update(feeds).where(feeds.c.lease == bindparam("token")).values(lease_until=bindparam("until", type_=Timestamp))
)

#: The conditions of ``claim_due``, apart from the due time.
_IS_FREE = and_(
    feeds.c.is_listed,
    ~feeds.c.gone,
    or_(feeds.c.lease_until.is_(None), feeds.c.lease_until <= _NOW),
    or_(feeds.c.retry_after.is_(None), feeds.c.retry_after <= _NOW),
)
_COUNT_DUE = select(func.count()).select_from(feeds).where(_IS_FREE, feeds.c.due_at <= _NOW)


def _claim(*, everything: bool) -> Update:
    """One statement on both databases (SQLite's compiler drops FOR UPDATE); a CTE, since some plans run a LIMIT
    inside IN again and claim more than asked for."""
    pick = (
        select(feeds.c.url)
        .where(_IS_FREE, true() if everything else feeds.c.due_at <= _NOW)
        .order_by(feeds.c.due_at, feeds.c.url)
        .limit(bindparam("at_most"))
        .with_for_update(skip_locked=True)
        .cte("pick")
    )
    return (
        update(feeds)
        .where(feeds.c.url.in_(select(pick.c.url)))
        .values(lease=bindparam("token"), lease_until=bindparam("until"))
        .returning(*_COLUMNS)
    )


_CLAIM_DUE = _claim(everything=False)
_CLAIM_ALL = _claim(everything=True)


class FeedStates:
    """The state of each feed, and the lease of its poll."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sync(self, urls: Iterable[str], *, now: datetime) -> None:
        """Set the configured feeds: new feeds are due now, and feeds that are not listed any more are not claimed."""
        configured = dict.fromkeys(urls)
        stored: dict[str, bool] = dict(map(tuple, self._connection.execute(_LISTING)))
        self._add([model.FeedState(url=url, due_at=now) for url in configured if url not in stored])
        returned = [url for url in configured if stored.get(url) is False]
        # A feed that returns to feeds.yaml is polled again, even if it had responded with 410.
        for part in chunks(returned):
            self._connection.execute(_LIST_AGAIN, {"urls": part, "now": now})
        for part in chunks([url for url, is_listed in stored.items() if is_listed and url not in configured]):
            self._connection.execute(_DELIST, {"urls": part})

    def _add(self, states: Sequence[model.FeedState]) -> None:
        if states:
            self._connection.execute(_ADD, [_row(state) | {"is_listed": True} for state in states])

    def claim_due(
        self, *, now: datetime, limit: int, token: str, lease: timedelta, everything: bool = False
    ) -> Sequence[model.FeedState]:
        """Lease due feeds to ``token``; return their states, most overdue first.

        ``everything`` ignores the due time, but not leases, Retry-After or 410. Feeds of a limited host are postponed.
        """
        rows = self._connection.execute(
            _CLAIM_ALL if everything else _CLAIM_DUE,
            {"now": now, "at_most": limit, "token": token, "until": now + lease},
        )
        # RETURNING promises no order.
        claimed = sorted(map(_state, rows), key=lambda state: (state.due_at, state.url))
        return self._of_open_hosts(claimed, now=now)

    def _of_open_hosts(self, claimed: Sequence[model.FeedState], *, now: datetime) -> Sequence[model.FeedState]:
        """Postpone the feeds of limited hosts to the end of the limit, and return the others."""
        limits = self.host_limits(now=now)
        if not limits:
            return claimed
        closed: defaultdict[datetime, list[str]] = defaultdict(list)
        for state in claimed:
            until = limits.get(schedule.request_host(state))
            if until is not None:
                closed[until].append(state.url)
        for until, urls in closed.items():
            for part in chunks(urls):
                self._connection.execute(_PUT_BACK, {"urls": part, "until": until})
        put_back = {url for urls in closed.values() for url in urls}
        return [state for state in claimed if state.url not in put_back]

    def hurry(self, url: str, *, at: datetime, now: datetime) -> bool:
        """Make a feed due ``at`` a time, unless it is due before. Return False while it is being polled."""
        return self._connection.execute(_HURRY, {"of_url": url, "at_time": at, "now": now}).rowcount > 0

    def make_due(self, *, now: datetime) -> None:
        """Make every listed feed due; Retry-After and 410 stay in force."""
        self._connection.execute(_MAKE_DUE, {"now": now})

    def renew(self, token: str, *, until: datetime) -> None:
        """Extend the leases of ``token``."""
        self._connection.execute(_RENEW, {"token": token, "until": until})

    def count_due(self, *, now: datetime) -> int:
        """Return how many feeds ``claim_due`` could lease."""
        return self._connection.execute(_COUNT_DUE, {"now": now}).scalar_one()

    def save(self, states: Sequence[model.FeedState], *, token: str | None = None) -> Sequence[str]:
        """Write states and release their leases; return the URLs whose lease was lost, which are not written."""
        urls = [state.url for state in states]
        held = set(urls) if token is None else self._held(urls, token)
        rows = [_row(state) | {"is_listed": False} for state in states if state.url in held]
        if rows:
            self._connection.execute(_SAVE, rows)
        return [url for url in urls if url not in held]

    def _held(self, urls: Sequence[str], token: str) -> set[str]:
        held: set[str] = set()
        for part in chunks(urls):
            held.update(self._connection.execute(_HELD, {"urls": part, "token": token}).scalars())
        return held

    def get(self, url: str) -> model.FeedState | None:
        """Return the state of a feed, or None if it was never listed."""
        row = self._connection.execute(_GET, {"of_url": url}).one_or_none()
        return None if row is None else _state(row)

    def all(self) -> Sequence[model.FeedState]:
        """Return the states of the configured feeds, ordered by URL."""
        # Sorted here: databases order text each by its own collation.
        return sorted(map(_state, self._connection.execute(_ALL)), key=lambda state: state.url)

    def page(self, *, health: Collection[model.FeedHealth], skip: int, most: int) -> Sequence[model.FeedState]:
        """Return some of the configured feeds with these healths, ordered by URL."""
        rows = self._connection.execute(_PAGE, {"health": list(health), "skip": skip, "most": most})
        return list(map(_state, rows))

    def counts(self) -> Mapping[model.FeedHealth, int]:
        """Return the number of configured feeds with each health; a health without feeds is omitted."""
        return dict(map(tuple, self._connection.execute(_COUNTS)))

    def limited(self) -> Sequence[model.FeedState]:
        """Return the feeds whose last response set a limit (Retry-After), ordered by URL."""
        return sorted(map(_state, self._connection.execute(_LIMITED)), key=lambda state: state.url)

    def host_limits(self, *, now: datetime) -> Mapping[str, datetime]:
        """Return limited host -> end of the limit."""
        return dict(map(tuple, self._connection.execute(_LIMITS, {"now": now})))

    def limit_host(self, host: str, until: datetime) -> None:
        """Limit a host until a time."""
        self._connection.execute(_LIMIT, {"host": host, "until": until})

    def free_leases(self) -> None:
        """Every lease is a dead process's."""
        self._connection.execute(_FREE)


def _row(state: model.FeedState) -> dict[str, object]:
    return {
        "url": state.url,
        "due_at": state.due_at,
        "retry_after": state.retry_after,
        "gone": state.gone,
        "lease": None,
        "lease_until": None,
        "health": state.health,
        "named_at": state.named_at,
        "state": columns.FEED_STATE.dump(state),
    }


def _state(row: Row[*tuple[object, ...]]) -> model.FeedState:
    state = columns.FEED_STATE.load(row.state)
    if (state.url, state.due_at, state.retry_after, state.gone) == (row.url, row.due_at, row.retry_after, row.gone):
        return state
    return dataclasses.replace(state, url=row.url, due_at=row.due_at, retry_after=row.retry_after, gone=row.gone)


_NEW_SUBSCRIPTION = insert(subscriptions)
_WANT = _NEW_SUBSCRIPTION.on_conflict_do_update(
    index_elements=[subscriptions.c.feed],
    set_={
        **{name: _NEW_SUBSCRIPTION.excluded[name] for name in subscriptions.c.keys() if name != "feed"},  # noqa: SIM118 -- columns
        # A feed that names another hub does not end the pause after failures.
        "failures": subscriptions.c.failures,
        "next_at": case(
            (
                and_(subscriptions.c.failures > 0, subscriptions.c.next_at > _NEW_SUBSCRIPTION.excluded.next_at),
                subscriptions.c.next_at,
            ),
            else_=_NEW_SUBSCRIPTION.excluded.next_at,
        ),
    },
    where=or_(
        _NEW_SUBSCRIPTION.excluded.hub != subscriptions.c.hub, _NEW_SUBSCRIPTION.excluded.topic != subscriptions.c.topic
    ),
)
_ALL_SUBSCRIPTIONS = select(subscriptions)
_BY_TOKEN = _ALL_SUBSCRIPTIONS.where(subscriptions.c.token == bindparam("of_token"))
_OF_FEED = _ALL_SUBSCRIPTIONS.where(subscriptions.c.feed == bindparam("of_feed"))
_PUSHED = select(subscriptions.c.feed).where(subscriptions.c.pushed_at.is_not(None))
_IS_DUE = subscriptions.c.next_at <= bindparam("now", type_=Timestamp)
_DUE = select(func.count()).select_from(subscriptions).where(_IS_DUE)
_DROP = delete(subscriptions).where(subscriptions.c.feed.in_(bindparam("feeds", expanding=True)))
_PUSH = (
    update(subscriptions)
    .where(subscriptions.c.feed == bindparam("of_feed"))
    .values(pushed_at=bindparam("at_time", type_=Timestamp))
)
_PICK = (
    select(subscriptions.c.feed)
    .where(_IS_DUE)
    .order_by(subscriptions.c.next_at, subscriptions.c.feed)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("pick")
)
_CLAIM = (
    update(subscriptions)
    .where(subscriptions.c.feed.in_(select(_PICK.c.feed)))
    .values(next_at=bindparam("lease_until", type_=Timestamp))
    .returning(subscriptions)
)
_SAVED = ("next_at", "asked_at", "until", "failures", "error")
_SAVE_SUBSCRIPTION = (
    update(subscriptions)
    .where(subscriptions.c.token == bindparam("of_token"))
    .values({name: bindparam(f"new_{name}", type_=subscriptions.c[name].type) for name in _SAVED})
)
#: A hub may come back before its answer to the request does.
_SAVE_AFTER_ASKING = _SAVE_SUBSCRIPTION.where(
    subscriptions.c.until.is_not_distinct_from(bindparam("old_until", type_=Timestamp)),
    subscriptions.c.failures == bindparam("old_failures"),
)


class Subscriptions:
    """WebSub subscriptions, at most one for each feed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def want(self, subscription: model.Subscription) -> None:
        """Add a subscription, unless the feed has one for this hub and topic; another one is replaced."""
        self._connection.execute(_WANT, asdict(subscription))

    def drop(self, feed: str) -> None:
        """Delete the subscription of a feed that has no hub any more."""
        self._connection.execute(_DROP, {"feeds": [feed]})

    def keep(self, feeds: Collection[str]) -> None:
        """Delete the subscriptions of all other feeds."""
        stored = self._connection.execute(select(subscriptions.c.feed)).scalars()
        for part in chunks([feed for feed in stored if feed not in feeds]):
            self._connection.execute(_DROP, {"feeds": part})

    def claim_due(self, *, now: datetime, limit: int, lease: timedelta) -> Sequence[model.Subscription]:
        """Lease the subscriptions whose hub is due for a request."""
        rows = self._connection.execute(_CLAIM, {"now": now, "at_most": limit, "lease_until": now + lease})
        return sorted(map(_subscription, rows), key=lambda subscription: subscription.feed)

    def by_token(self, token: str) -> model.Subscription | None:
        """Return the subscription with a token."""
        row = self._connection.execute(_BY_TOKEN, {"of_token": token}).one_or_none()
        return _subscription(row) if row is not None else None

    def of_feed(self, feed: str) -> model.Subscription | None:
        """Return the subscription of a feed."""
        row = self._connection.execute(_OF_FEED, {"of_feed": feed}).one_or_none()
        return _subscription(row) if row is not None else None

    def save(self, subscription: model.Subscription, *, expected: model.Subscription | None = None) -> None:
        """Write a subscription, except for pushes, unless it was deleted or replaced.

        ``expected``: its state when the request was sent; nothing is written if the hub has responded since.
        """
        values = asdict(subscription)
        new = {"of_token": subscription.token, **{f"new_{name}": values[name] for name in _SAVED}}
        if expected is None:
            self._connection.execute(_SAVE_SUBSCRIPTION, new)
        else:
            old = {"old_until": expected.until, "old_failures": expected.failures}
            self._connection.execute(_SAVE_AFTER_ASKING, new | old)

    def push(self, feed: str, *, at: datetime | None) -> None:
        """Note that news was pushed; None: the feed is now due for it."""
        self._connection.execute(_PUSH, {"of_feed": feed, "at_time": at})

    def waiting(self, *, now: datetime) -> tuple[Sequence[str], int]:
        """Return the feeds with pushed news that are not yet due for it, and the number of hubs that need a request."""
        due = self._connection.execute(_DUE, {"now": now}).scalar_one()
        return sorted(self._connection.execute(_PUSHED).scalars()), due

    def all(self) -> Sequence[model.Subscription]:
        """Return all subscriptions, ordered by feed."""
        return sorted(
            map(_subscription, self._connection.execute(_ALL_SUBSCRIPTIONS)), key=lambda subscription: subscription.feed
        )


def _subscription(row: Row[*tuple[object, ...]]) -> model.Subscription:
    return model.Subscription(**{name: getattr(row, name) for name in subscriptions.c.keys()})  # noqa: SIM118 -- columns
