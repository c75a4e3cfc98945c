"""The state of each feed, the lease of its poll, and limits per host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, case, func, or_, select, true, update
from sqlalchemy.dialects.sqlite import insert

from bot.feeds import polling
from bot.model.feeds import FeedHealth, FeedState
from bot.storage.columns import WANTED, AnyRow, AnySelect, BulkInsert, Repository, Rows, chunks, upsert
from bot.storage.schema import feeds, host_limits

_STATE = Rows(FeedState, feeds)
_COLUMNS = (feeds.c.url, feeds.c.due_at, feeds.c.retry_after, feeds.c.gone, feeds.c.state)
_LISTED = select(*_COLUMNS).where(feeds.c.is_listed)
# ``is_listed`` is not saved here, because only ``sync`` changes it.
_SAVE = BulkInsert(
    upsert([feeds.c.url], ["due_at", "retry_after", "gone", "lease", "lease_until", "health", "named_at", "state"])
)


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Return the condition for claiming a feed, apart from its due time."""
    return and_(
        feeds.c.is_listed,
        ~feeds.c.gone,
        or_(feeds.c.lease_until.is_(None), feeds.c.lease_until <= now),
        or_(feeds.c.retry_after.is_(None), feeds.c.retry_after <= now),
    )


class FeedStates(Repository):
    """The state of each feed, and the lease of its poll."""

    def sync(self, urls: Iterable[str], *, now: datetime) -> None:
        """Set the configured feeds. New feeds are due at ``now``. Feeds that are not configured will not be claimed."""
        configured = dict.fromkeys(urls)
        # Read each column that decides whether a feed is polled. A damaged one would keep ``claim_due`` from ever
        # reading its row.
        rows = self._connection.execute(select(*(column for column in feeds.c if column is not feeds.c.state)))
        stored = {row.url: row.is_listed for row in rows}
        self.add([url for url in configured if url not in stored], now=now)
        # Poll a feed that returns to feeds.yaml, even if its last response was 410. Until its next response, such a
        # feed counts as failing.
        health = case((feeds.c.health == FeedHealth.GONE, FeedHealth.FAILING), else_=feeds.c.health)
        listed = {"is_listed": True, "gone": False, "due_at": now, "health": health}
        for part in chunks([url for url in configured if stored.get(url) is False]):
            self._connection.execute(update(feeds).where(feeds.c.url.in_(part)).values(listed))
        for part in chunks([url for url, is_listed in stored.items() if is_listed and url not in configured]):
            self._connection.execute(update(feeds).where(feeds.c.url.in_(part)).values(is_listed=False))

    def add(self, urls: Sequence[str], *, now: datetime) -> None:
        """List new feeds, which are due at ``now``."""
        if urls:
            new = [_row(FeedState(url=url, due_at=now), is_listed=True) for url in urls]
            self._connection.execute(insert(feeds).on_conflict_do_nothing(index_elements=[feeds.c.url]), new)

    def claim_due(
        self, *, now: datetime, limit: int, token: str, lease: timedelta, everything: bool = False
    ) -> Sequence[FeedState]:
        """Lease due feeds to ``token``. Return their states, most overdue first.

        ``everything`` ignores the due time, but not leases, Retry-After or 410. Feeds of a limited host are postponed.
        """
        # Use a CTE, because some plans repeat a LIMIT inside IN and then claim too many rows. SQLite's compiler drops
        # FOR UPDATE.
        pick = (
            select(feeds.c.url)
            .where(_is_free(now), true() if everything else feeds.c.due_at <= now)
            .order_by(feeds.c.due_at, feeds.c.url)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("pick")
        )
        claim = update(feeds).where(feeds.c.url.in_(select(pick.c.url))).values(lease=token, lease_until=now + lease)
        # Sort here, because RETURNING guarantees no order.
        rows = self._connection.execute(claim.returning(*_COLUMNS))
        claimed = sorted(map(_state, rows), key=lambda state: (state.due_at, state.url))
        return self._of_open_hosts(claimed, now=now)

    def _of_open_hosts(self, claimed: Sequence[FeedState], *, now: datetime) -> Sequence[FeedState]:
        """Postpone the feeds of limited hosts to the end of the limit, and return the other feeds."""
        limits = self.host_limits(now=now)
        if not limits:
            return claimed
        closed: defaultdict[datetime, list[str]] = defaultdict(list)
        for state in claimed:
            until = limits.get(polling.request_host(state))
            if until is not None:
                closed[until].append(state.url)
        for until, urls in closed.items():
            for part in chunks(urls):
                postponed = update(feeds).where(feeds.c.url.in_(part))
                self._connection.execute(postponed.values(due_at=until, lease=None, lease_until=None))
        put_back = {url for urls in closed.values() for url in urls}
        return [state for state in claimed if state.url not in put_back]

    def make_due(self, *, now: datetime) -> None:
        """Make every configured feed due. Retry-After and 410 still apply."""
        later = update(feeds).where(feeds.c.is_listed, ~feeds.c.gone, feeds.c.due_at > now)
        self._connection.execute(later.values(due_at=now))

    def renew(self, token: str, *, until: datetime) -> None:
        """Extend the leases of ``token``."""
        self._connection.execute(update(feeds).where(feeds.c.lease == token).values(lease_until=until))

    def end_leases(self, token: str, *, since: datetime, apart: timedelta) -> None:
        """End the leases of ``token`` one after another, the first at ``since``."""
        leased = select(feeds.c.url).where(feeds.c.lease == token).order_by(feeds.c.due_at, feeds.c.url)
        for place, url in enumerate(self._connection.execute(leased).scalars().all()):
            until = since + place * apart
            self._connection.execute(update(feeds).where(feeds.c.url == url).values(lease_until=until))

    def count_due(self, *, now: datetime) -> int:
        """Return the number of feeds that ``claim_due`` could lease."""
        statement = select(func.count()).select_from(feeds).where(_is_free(now), feeds.c.due_at <= now)
        return self._connection.execute(statement).scalar_one()

    def awaits_first_polls(self, *, now: datetime) -> bool:
        """Return whether a feed is due or being polled that has never been polled before."""
        is_new = feeds.c.is_listed, feeds.c.health == FeedHealth.NEW, feeds.c.due_at <= now
        return self._connection.execute(select(feeds.c.url).where(*is_new).limit(1)).first() is not None

    def save(self, states: Sequence[FeedState], *, token: str | None = None) -> Sequence[str]:
        """Write states and release their leases. Return the URLs of those not written, because their lease was lost."""
        urls = [state.url for state in states]
        held = set(urls) if token is None else self._held(urls, token)
        rows = [_row(state, is_listed=False) for state in states if state.url in held]
        _SAVE.write(self._connection, rows)
        return [url for url in urls if url not in held]

    def _held(self, urls: Sequence[str], token: str) -> set[str]:
        statement = select(feeds.c.url).where(feeds.c.url.in_(WANTED), feeds.c.lease == token).with_for_update()
        return {row.url for row in self._rows_in_chunks(statement, urls)}

    def get(self, url: str) -> FeedState | None:
        """Return the state of a feed, or None if it was never listed."""
        row = self._connection.execute(select(*_COLUMNS).where(feeds.c.url == url)).one_or_none()
        return None if row is None else _state(row)

    def get_many(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        """Return url -> state, also of feeds that are not listed. Unknown ones are omitted."""
        statement = select(*_COLUMNS).where(feeds.c.url.in_(WANTED))
        return {row.url: _state(row) for row in self._rows_in_chunks(statement, urls)}

    def all(self) -> Sequence[FeedState]:
        """Return the states of the configured feeds, ordered by URL."""
        # Sort here, because databases sort text by different collations.
        return sorted(self._load(_LISTED), key=lambda state: state.url)

    def page(self, *, health: Collection[FeedHealth], skip: int, most: int) -> Sequence[FeedState]:
        """Return a page of the configured feeds whose health is in ``health``, ordered by URL."""
        return self._load(_LISTED.where(feeds.c.health.in_(health)).order_by(feeds.c.url).limit(most).offset(skip))

    def counts(self) -> Mapping[FeedHealth, int]:
        """Return health -> number of configured feeds. A health without feeds is omitted."""
        statement = select(feeds.c.health, func.count()).where(feeds.c.is_listed).group_by(feeds.c.health)
        return dict(map(tuple, self._connection.execute(statement)))

    def limited(self) -> Sequence[FeedState]:
        """Return the feeds whose last response set a limit (Retry-After), ordered by URL."""
        return sorted(self._load(_LISTED.where(feeds.c.retry_after.is_not(None))), key=lambda state: state.url)

    def _load(self, statement: AnySelect) -> list[FeedState]:
        return list(map(_state, self._connection.execute(statement)))

    def host_limits(self, *, now: datetime) -> Mapping[str, datetime]:
        """Return limited host -> end of the limit."""
        statement = select(host_limits.c.host, host_limits.c.until).where(host_limits.c.until > now)
        return dict(map(tuple, self._connection.execute(statement)))

    def limit_host(self, host: str, until: datetime) -> None:
        """Limit a host until a time, unless its current limit is longer."""
        new = insert(host_limits)
        longer = new.excluded.until > host_limits.c.until
        statement = new.on_conflict_do_update(
            index_elements=[host_limits.c.host], set_={"until": new.excluded.until}, where=longer
        )
        self._connection.execute(statement, {"host": host, "until": until})

    def free_leases(self) -> None:
        """Free every lease. Call this if the process that held the leases is dead."""
        leased = update(feeds).where(feeds.c.lease.is_not(None))
        self._connection.execute(leased.values(lease=None, lease_until=None))


def _row(state: FeedState, *, is_listed: bool) -> dict[str, object]:
    unleased = {"lease": None, "lease_until": None}
    return _STATE.dump(state, state=state, health=state.health, is_listed=is_listed, **unleased)


def _state(row: AnyRow) -> FeedState:
    state: FeedState = row.state
    if (state.url, state.due_at, state.retry_after, state.gone) == (row.url, row.due_at, row.retry_after, row.gone):
        return state
    return replace(state, url=row.url, due_at=row.due_at, retry_after=row.retry_after, gone=row.gone)
