"""The desk's tray, on every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import model, ports, storage
from tests.fakes import START
from tests.storage.made import LEASE, article, match


def _arrival(number: int) -> model.Arrival:
    return model.Arrival(
        article=article(str(number)), matches=(match("BES"),), is_baseline=number % 2 == 0, poll=f"p{number}"
    )


async def test_what_is_put_in_the_tray_comes_out_as_it_was_and_once(store: storage.SqlStore) -> None:
    arrivals = [_arrival(number) for number in range(3)]
    edit = model.Edit(article=article("9").id, outlet="Dawn", field="title", before="exits", after="delays exit")
    revision = model.Revision(article=article("9"), matches=(), edits=(edit,), poll="p9")
    await store.write(lambda tx: tx.tray.add(arrivals, [revision]))
    assert await store.read(lambda tx: tx.tray.count()) == 4

    first = await store.write(lambda tx: tx.tray.take(limit=2))
    rest = await store.write(lambda tx: tx.tray.take(limit=10))

    assert first == (arrivals[:2], [])
    assert rest == (arrivals[2:], [revision])
    assert await store.write(lambda tx: tx.tray.take(limit=10)) == ([], [])


async def test_a_desk_that_failed_leaves_the_tray_full(store: storage.SqlStore) -> None:
    await store.write(lambda tx: tx.tray.add([_arrival(1)], []))

    def work(tx: ports.Transaction) -> None:
        tx.tray.take(limit=10)
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(work)
    assert await store.read(lambda tx: tx.tray.count()) == 1


async def test_who_sits_down_learns_whether_another_sat_there_since(store: storage.SqlStore) -> None:
    sat = [await store.write(lambda tx, who=who: tx.tray.sit_down(who)) for who in ("a", "a", "b", "b", "a")]  # type: ignore[misc]
    assert sat == [False, True, False, True, False]


async def test_a_renewed_lease_is_not_claimed_when_its_first_time_has_passed(store: storage.SqlStore) -> None:
    await store.write(lambda tx: tx.feeds.sync(["https://a.example/feed"], now=START))
    later = START + LEASE + timedelta(seconds=1)

    def claim(tx: ports.Transaction, token: str, now: timedelta) -> int:
        return len(tx.feeds.claim_due(now=START + now, limit=10, token=token, lease=LEASE))

    assert await store.read(lambda tx: tx.feeds.count_due(now=START)) == 1
    assert await store.write(lambda tx: claim(tx, "mine", timedelta())) == 1
    assert await store.read(lambda tx: tx.feeds.count_due(now=START)) == 0
    await store.write(lambda tx: tx.feeds.renew("another's", until=later + LEASE))
    assert await store.read(lambda tx: tx.feeds.count_due(now=later)) == 1
    await store.write(lambda tx: tx.feeds.renew("mine", until=later + LEASE))
    assert await store.read(lambda tx: tx.feeds.count_due(now=later)) == 0
    assert await store.write(lambda tx: claim(tx, "theirs", LEASE + timedelta(seconds=1))) == 0
