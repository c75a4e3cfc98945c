"""Several writers on PostgreSQL, and the move there."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.archive import Arrival, IdentityQuery, QueuedArticle, QueueHolder, Sighting
from bot.model.errors import ConfigError, StoreError, StoreInUse, StoreUnavailable
from bot.model.messages import SendState
from bot.model.stories import StoryId
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import LEASE, article, match, sending, story, view
from tests.testbed.servers.postgres import Server

pytestmark = pytest.mark.postgres


class RealClock:
    """Pauses between tries are real here: the rivals need the time."""

    def now(self) -> object:
        return START

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


@pytest.fixture
def address(postgres_address: str) -> str:
    return postgres_address


@pytest.fixture
async def rivals(address: str) -> AsyncIterator[list[storage.Store]]:
    opened = [storage.open_store(address, clock=RealClock()) for _ in range(3)]  # type: ignore[arg-type]
    yield opened
    for store in opened:
        await store.close()


async def together(
    rivals: list[storage.Store], work: Callable[[storage.Store, str], Coroutine[None, None, None]]
) -> None:
    async with asyncio.TaskGroup() as group:
        for number, store in enumerate(rivals):
            group.create_task(work(store, f"worker {number}"))


async def test_rivals_claim_each_feed_once(rivals: list[storage.Store]) -> None:
    urls = [f"https://{n}.example/feed" for n in range(300)]
    await rivals[0].write(lambda tx: tx.feeds.sync(urls, now=START))
    polled: Counter[str] = Counter()

    async def worker(store: storage.Store, token: str) -> None:
        while states := await store.write(lambda tx: tx.feeds.claim_due(now=START, limit=10, token=token, lease=LEASE)):
            polled.update(state.url for state in states)
            done = [replace(state, due_at=START + LEASE) for state in states]
            assert await store.write(lambda tx: tx.feeds.save(done, token=token)) == []  # noqa: B023 - runs at once

    await together(rivals, worker)
    assert polled == Counter(urls)


async def test_rivals_send_each_message_once_and_in_order(rivals: list[storage.Store]) -> None:
    rows = [sending(f"{thread:02}-{n}", thread=f"{thread:02}-0") for n in range(5) for thread in range(12)]
    await rivals[0].write(lambda tx: tx.outbox.add(rows))
    sent: list[str] = []

    async def worker(store: storage.Store, token: str) -> None:
        while await store.read(lambda tx: tx.outbox.next_due(["desk"], now=START)) is not None:
            claimed = await store.write(
                lambda tx: tx.outbox.claim("desk", now=START, limit=3, token=token, lease=LEASE)
            )
            for row in claimed:
                sent.append(row.id)
                outcome = replace(row, state=SendState.SENT)
                assert await store.write(lambda tx: tx.outbox.save(outcome, token=token))  # noqa: B023 - runs at once

    await together(rivals, worker)
    assert len(sent) == len(set(sent)) == len(rows)
    for thread in range(12):
        mine = [name for name in sent if name.startswith(f"{thread:02}-")]
        assert mine == sorted(mine)


async def test_workers_that_start_together_make_one_schema(postgres_server: Server) -> None:
    address = postgres_server.new_database()
    stores = await asyncio.gather(
        *(asyncio.to_thread(storage.open_store, address, clock=FakeClock()) for _ in range(3))
    )
    for store in stores:
        assert await store.read(lambda tx: tx.articles.count()) == 0
        await store.close()


async def test_a_broken_connection_is_reported_and_replaced(
    rivals: list[storage.Store], postgres_server: Server
) -> None:
    store = rivals[0]

    def work(tx: storage.Transaction) -> None:
        tx.key_values.put("k", "lost")
        postgres_server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'")
        tx.key_values.put("k", "lost too")

    with pytest.raises(StoreUnavailable, match="it will be tried again"):
        await store.write(work)
    await store.write(lambda tx: tx.key_values.put("k", "kept"))
    assert await store.read(lambda tx: tx.key_values.get("k")) == "kept"


async def test_a_reader_cannot_write(address: str) -> None:
    reader = storage.open_store(address, clock=FakeClock(), read_only=True)
    with pytest.raises(StoreUnavailable, match="read-only"):
        await reader.read(lambda tx: tx.key_values.put("k", "v"))
    await reader.close()


# -- the move


@pytest.fixture
async def source(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/store.db"
    store = storage.open_store(address, clock=FakeClock())

    def work(tx: storage.Transaction) -> None:
        tx.feeds.sync(["https://a.example/feed"], now=START)
        items = [replace(article(str(n)), text="x\x00 ü 😀") for n in range(1_200)]
        tx.articles.add(items)
        tx.articles.see([Sighting(feed="f", key=item.id, article=item.id) for item in items], at=START)
        tx.articles.add_matches(items[0].id, [match("r", "PTA")])
        # The younger story has an earlier row than the one it points to.
        tx.stories.save(story("B", items[1]))
        tx.stories.save(story("A", items[0]))
        tx.stories.save(replace(story("B"), merged_into=StoryId("A")))
        tx.outbox.add([sending("a", story="A", views=(view("A"),)), sending("b")])
        tx.outbox.claim("desk", now=START, limit=1, token="dead", lease=LEASE)
        tx.key_values.put("tick", "1")

    await store.write(work)
    await store.close()
    return address


async def everything(address: str) -> list[object]:
    store = storage.open_store(address, clock=FakeClock())
    seen: list[object] = await store.read(
        lambda tx: [
            tx.feeds.all(),
            list(tx.articles.archive(since=START)),
            tx.stories.since(None),
            tx.outbox.unsent(),
            tx.key_values.get("tick"),
        ]
    )
    await store.close()
    return seen


async def test_an_interrupted_move_continues_where_it_stopped_until_every_row_is_moved(
    source: str, postgres_server: Server
) -> None:
    target = postgres_server.new_database()
    steps: list[tuple[str, int, int]] = []

    def cut(*step: Any) -> None:
        steps.append(step)
        if ("articles", 500, 1_200) in steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await storage.move(source, target, clock=FakeClock(), progress=cut)
    steps.clear()
    counts = await storage.move(source, target, clock=FakeClock(), progress=lambda *step: steps.append(step))
    assert counts["articles"] == counts["sightings"] == 1_200
    assert [step for step in steps if step[0] == "articles"][:2] == [
        ("articles", 1_000, 1_200),
        ("articles", 1_200, 1_200),
    ]
    assert await everything(target) == await everything(source)
    store = storage.open_store(target, clock=FakeClock())
    await store.write(lambda tx: tx.outbox.add([sending("new")]))
    assert [(row.id, row.state) for row in await store.read(lambda tx: tx.outbox.unsent())] == [
        ("a", SendState.UNKNOWN),
        ("b", SendState.PENDING),
        ("new", SendState.PENDING),
    ]
    assert await store.read(lambda tx: tx.key_values.get("move:from")) is None
    await store.close()


async def test_neither_a_running_bot_is_moved_nor_anything_into_a_target_that_is_in_use(
    source: str, address: str
) -> None:
    running = storage.open_store(source, clock=FakeClock(), process_name="wirewatch run")
    with pytest.raises(StoreInUse, match="wirewatch run"):
        await storage.move(source, address, clock=FakeClock())
    await running.close()
    store = storage.open_store(address, clock=FakeClock())
    await store.write(lambda tx: tx.key_values.put("k", "v"))
    await store.close()
    with pytest.raises(StoreError, match=r"it is not empty \(key_values\)"):
        await storage.move(source, address, clock=FakeClock())
    with pytest.raises(ConfigError, match="only from an SQLite file to PostgreSQL"):
        await storage.move(address, source, clock=FakeClock())


async def test_articles_that_another_worker_has_lately_added_are_looked_at_again(
    rivals: list[storage.Store],
) -> None:
    first = article("one")
    same_link = replace(article("two"), link=first.link)
    same_text = replace(article("three"), fingerprint=first.fingerprint)
    assert not await rivals[1].read(lambda tx: tx.articles.are_rivalled([same_link, same_text]))
    await rivals[0].write(lambda tx: tx.articles.add([first]))
    for other, expected in ((same_link, True), (same_text, True), (article("four"), False)):
        assert await rivals[1].read(lambda tx, other=other: tx.articles.are_rivalled([other])) is expected  # type: ignore[misc]
        assert not await rivals[1].read(lambda tx, other=other: tx.articles.are_rivalled([other], beside=[first]))  # type: ignore[misc]


async def test_two_workers_that_bring_one_article_at_once_store_it_once(rivals: list[storage.Store]) -> None:
    link = "https://news.example/blackberry"
    begun: list[str] = []

    async def bring(store: storage.Store, name: str) -> None:
        mine = replace(article(f"copy of {name}"), link=link)

        def work(tx: storage.Transaction) -> None:
            [known] = tx.articles.find_known_items([IdentityQuery(feed=mine.feed, links=[link])])
            begun.append(name)
            if link not in known.by_link:
                # Wide enough that the other has looked too before we commit.
                deadline = time.monotonic() + 5
                while len(set(begun)) < 2 and time.monotonic() < deadline:
                    time.sleep(0.01)
                tx.articles.add([mine])

        await store.write(work)

    await together(rivals[:2], bring)
    assert await rivals[2].read(lambda tx: tx.articles.count()) == 1
    assert len(begun) == 3, "the one that came second ran again"


async def test_of_two_who_decide_at_once_one_computes_again_and_each_arrival_is_decided_once(
    rivals: list[storage.Store],
) -> None:
    arrivals = [Arrival(article=article(str(n)), matches=(match("BES"),), is_baseline=False) for n in range(60)]
    await rivals[0].write(lambda tx: tx.decision_queue.add(arrivals))
    taken: Counter[str] = Counter()

    def computed(tx: storage.Transaction) -> tuple[QueueHolder, Mapping[int, QueuedArticle]]:
        return tx.decision_queue.holder(), tx.decision_queue.get(tx.decision_queue.numbers(limit=7))

    def write(tx: storage.Transaction, who: str, seen: QueueHolder, waiting: Mapping[int, QueuedArticle]) -> bool:
        if tx.decision_queue.take_over(who, expected=seen) is None:
            return False
        tx.decision_queue.remove(list(waiting))
        return True

    async def desk(store: storage.Store, who: str) -> None:
        while True:
            seen, waiting = await store.read(computed)
            if not waiting:
                return
            if await store.write(partial(write, who=who, seen=seen, waiting=waiting)):
                taken.update(item.article.id for item in waiting.values())

    await together(rivals, desk)
    assert taken == Counter(arrival.article.id for arrival in arrivals)
