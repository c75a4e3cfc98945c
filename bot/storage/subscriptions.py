"""Subscriptions at hubs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.storage.columns import Timestamp, chunks
from bot.storage.schema import subscriptions

_NEW = insert(subscriptions)
_WANT = _NEW.on_conflict_do_update(
    index_elements=[subscriptions.c.feed],
    set_={
        **{name: _NEW.excluded[name] for name in subscriptions.c.keys() if name != "feed"},  # noqa: SIM118 -- columns
        # A feed that names another hub does not end the pause after failures.
        "failures": subscriptions.c.failures,
        "next_at": case(
            (
                and_(subscriptions.c.failures > 0, subscriptions.c.next_at > _NEW.excluded.next_at),
                subscriptions.c.next_at,
            ),
            else_=_NEW.excluded.next_at,
        ),
    },
    where=or_(_NEW.excluded.hub != subscriptions.c.hub, _NEW.excluded.topic != subscriptions.c.topic),
)
_ALL = select(subscriptions)
_BY_TOKEN = _ALL.where(subscriptions.c.token == bindparam("of_token"))
_OF_FEED = _ALL.where(subscriptions.c.feed == bindparam("of_feed"))
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
_SAVE = (
    update(subscriptions)
    .where(subscriptions.c.token == bindparam("of_token"))
    .values({name: bindparam(f"new_{name}", type_=subscriptions.c[name].type) for name in _SAVED})
)
#: A hub may come back before its answer to the request does.
_SAVE_AFTER_ASKING = _SAVE.where(
    subscriptions.c.until.is_not_distinct_from(bindparam("old_until", type_=Timestamp)),
    subscriptions.c.failures == bindparam("old_failures"),
)


class Subscriptions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def want(self, subscription: model.Subscription) -> None:
        self._connection.execute(_WANT, asdict(subscription))

    def drop(self, feed: str) -> None:
        self._connection.execute(_DROP, {"feeds": [feed]})

    def keep(self, feeds: Collection[str]) -> None:
        known = self._connection.execute(select(subscriptions.c.feed)).scalars()
        for part in chunks([feed for feed in known if feed not in feeds]):
            self._connection.execute(_DROP, {"feeds": part})

    def claim_due(self, *, now: datetime, limit: int, lease: timedelta) -> Sequence[model.Subscription]:
        rows = self._connection.execute(_CLAIM, {"now": now, "at_most": limit, "lease_until": now + lease})
        return sorted(map(_subscription, rows), key=lambda each: each.feed)

    def by_token(self, token: str) -> model.Subscription | None:
        row = self._connection.execute(_BY_TOKEN, {"of_token": token}).one_or_none()
        return _subscription(row) if row is not None else None

    def of_feed(self, feed: str) -> model.Subscription | None:
        row = self._connection.execute(_OF_FEED, {"of_feed": feed}).one_or_none()
        return _subscription(row) if row is not None else None

    def save(self, subscription: model.Subscription, *, asked: model.Subscription | None = None) -> None:
        values = asdict(subscription)
        new = {"of_token": subscription.token, **{f"new_{name}": values[name] for name in _SAVED}}
        if asked is None:
            self._connection.execute(_SAVE, new)
        else:
            old = {"old_until": asked.until, "old_failures": asked.failures}
            self._connection.execute(_SAVE_AFTER_ASKING, new | old)

    def push(self, feed: str, *, at: datetime | None) -> None:
        self._connection.execute(_PUSH, {"of_feed": feed, "at_time": at})

    def waiting(self, *, now: datetime) -> tuple[Sequence[str], int]:
        due = self._connection.execute(_DUE, {"now": now}).scalar_one()
        return sorted(self._connection.execute(_PUSHED).scalars()), due

    def all(self) -> Sequence[model.Subscription]:
        return sorted(map(_subscription, self._connection.execute(_ALL)), key=lambda each: each.feed)


def _subscription(row: Row[*tuple[object, ...]]) -> model.Subscription:
    return model.Subscription(**{name: getattr(row, name) for name in subscriptions.c.keys()})  # noqa: SIM118 -- columns
