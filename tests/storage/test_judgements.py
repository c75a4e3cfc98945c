"""The opinions of people about stories, over every store."""

from __future__ import annotations

from datetime import timedelta

from bot import storage
from bot.model.actions import Judgement, Verdict
from bot.model.messages import SendState
from bot.model.stories import SendId, StoryId
from tests.testbed.fakes import START
from tests.testbed.made import LEASE, MINUTE, judgement, sending, story

A = StoryId("A")
DAY = timedelta(days=1)


def judged(
    verdict: Verdict, name: str, *, rule: str = "exit", channel: str = "desk", by: str = "U1", minutes: int = 0
) -> Judgement:
    return judgement(verdict, id=name, by=by, rule=rule, story=A, channel=channel, at=START + minutes * MINUTE)


async def keep(store: storage.Store, *judgements: Judgement) -> None:
    def work(tx: storage.Transaction) -> None:
        tx.stories.save(story("A"))
        tx.judgements.add(judgements)

    await store.write(work)


async def test_judgements_are_returned_in_order_without_repetitions(store: storage.Store) -> None:
    noise, useful = judged(Verdict.NOISE, "1"), judged(Verdict.USEFUL, "2", minutes=1)
    elsewhere = judged(Verdict.NOISE, "3", channel="other")
    await keep(store, noise, useful, elsewhere)
    judgements = await store.write(lambda tx: tx.judgements.add([noise, judged(Verdict.USEFUL, "4")]))
    assert [item.id for item in judgements] == ["4"]
    assert await store.read(lambda tx: tx.judgements.of_story(A, "desk")) == [noise, useful, *judgements]
    assert await store.read(lambda tx: tx.judgements.since(START + MINUTE)) == [useful]
    assert len(await store.read(lambda tx: tx.judgements.since(None))) == 4


async def test_rows_that_nobody_has_begun_are_dropped_with_the_reason(store: storage.Store) -> None:
    await keep(store)
    names = ("begun", "waiting", "parked", "left")
    await store.write(lambda tx: tx.outbox.add([sending(name) for name in names[:1]]))
    await store.write(lambda tx: tx.outbox.claim("desk", now=START, limit=1, token="t", lease=LEASE))
    await store.write(lambda tx: tx.outbox.add([sending("parked", channel="closed")]))
    await store.write(lambda tx: tx.outbox.park(["closed"], "closed"))
    await store.write(lambda tx: tx.outbox.add([sending("waiting"), sending("left")]))
    expected = [SendId(name) for name in names[:3]]
    assert await store.write(lambda tx: tx.outbox.drop(expected, "silenced")) == 2
    rows = await store.read(lambda tx: tx.outbox.get([SendId(name) for name in names]))
    assert {name: row.state for name, row in rows.items()} == {
        "begun": SendState.SENDING,
        "waiting": SendState.DROPPED,
        "parked": SendState.DROPPED,
        "left": SendState.PENDING,
    }
    assert {name for name, row in rows.items() if row.error == "silenced"} == {"waiting", "parked"}


async def test_the_judgements_of_a_story_are_deleted_with_it(store: storage.Store) -> None:
    await keep(store, judged(Verdict.NOISE, "1"))
    await storage.trim(store, before=START + 400 * DAY)
    assert await store.read(lambda tx: tx.judgements.since(None)) == []
