"""Retention over every store; backup while it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.actions import Verdict
from bot.model.archive import IdentityQuery, Sighting
from bot.model.errors import ConfigError, StoreError, StoreUnavailable
from bot.model.feeds import FeedState
from bot.model.messages import SendState
from bot.model.stories import SendId, StoryId
from tests.storage.test_completions import ANSWERED
from tests.storage.test_search import titles as search_titles
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import MINUTE, alert, article, decision, judgement, match, sending, story, view

FEED = "https://dawn.example/feed"
DAY = timedelta(days=1)
BEFORE = START + DAY
LATE = 2 * 24 * 60


def fill(tx: storage.Transaction) -> None:
    old, new, lone = article("old"), article("new", minutes=LATE), article("lone")
    tx.articles.add([old, new, lone])
    tx.articles.see([Sighting(feed=FEED, key=item.id, article=item.id) for item in (old, new, lone)], at=START)
    tx.articles.add_matches(old.id, [match("r", "PTA")])
    tx.articles.revise(replace(lone, version=2, text="second"))
    tx.stories.save(story("old", old))
    tx.stories.save(story("new", new, minutes=LATE))
    for name in ("old", "new"):
        tx.stories.save_alert(alert(name))
        tx.outbox.add([sending(name, story=name, views=(view(name),))])
        tx.judgements.add([judgement(Verdict.NOISE, id=name, story=name)])
    for at in (START, BEFORE):
        tx.completions.add(replace(ANSWERED, at=at))


def send(tx: storage.Transaction) -> None:
    for row in tx.outbox.claim("desk", now=START, limit=10, token="t", lease=MINUTE):
        tx.outbox.save(replace(row, state=SendState.SENT), token="t")


async def test_an_ended_story_is_deleted_when_all_is_sent_and_the_identities_of_its_articles_stay(
    store: storage.Store,
) -> None:
    await store.write(fill)
    gone = await storage.trim(store, before=BEFORE)
    assert (gone.stories, gone.messages) == (0, 0)
    assert len(await store.read(lambda tx: tx.outbox.unsent())) == 2
    await store.write(send)
    gone = await storage.trim(store, before=BEFORE)
    assert (gone.stories, gone.messages, gone.identities) == (1, 1, 0)
    assert [item.id for item in await store.read(lambda tx: tx.stories.since(None))] == ["new"]
    rows = await store.read(lambda tx: tx.outbox.get([SendId("old"), SendId("new")]))
    assert list(rows) == ["new"], "the thread of a living story keeps its head"
    assert [item.id for item in await store.read(lambda tx: tx.judgements.since(None))] == ["new"]
    assert [item.at for item in await store.read(lambda tx: tx.completions.since(START))] == [BEFORE]
    articles = await store.read(lambda tx: tx.articles.get([article(name).id for name in ("old", "new", "lone")]))
    assert {item.title.split()[-1]: bool(item.text) for item in articles.values()} == {
        "old": False,
        "new": True,
        "lone": False,
    }
    keys = [article("old").id, article("lone").id]
    [known] = await store.read(lambda tx: tx.articles.find_known_items([IdentityQuery(feed=FEED, keys=keys)]))
    assert set(known.by_key) == set(keys), "what a feed may still list is not news when it comes again"
    assert list(await store.read(lambda tx: tx.articles.matches(article("old").id))) == []
    assert await store.read(lambda tx: search_titles(tx, "headline")) == ["Headline of new"]
    assert await storage.trim(store, before=BEFORE) == storage.Trimmed(stories=0, messages=0, texts=0, identities=0)


async def test_a_story_stays_while_a_decision_about_it_or_the_story_that_it_joined_is_young_enough(
    store: storage.Store,
) -> None:
    first, two = article("one"), article("two")

    def keep(tx: storage.Transaction) -> None:
        tx.articles.add([first, two])
        tx.stories.save(story("A", first, minutes=LATE))
        tx.stories.save(replace(story("B", two), merged_into=StoryId("A")))
        tx.stories.save(story("decided"))
        tx.stories.decide([decision("decided", at=START + days * DAY) for days in (0, 1)])

    await store.write(keep)
    assert (await storage.trim(store, before=BEFORE)).stories == 0
    decisions = await store.read(lambda tx: tx.stories.decisions(StoryId("decided")))
    assert [item.at - START for item in decisions] == [0 * DAY, DAY], "a story keeps all its decisions"
    assert (await storage.trim(store, before=BEFORE + DAY)).stories == 1
    assert await store.read(lambda tx: tx.stories.decisions(StoryId("decided"))) == []
    assert (await storage.trim(store, before=BEFORE + 9 * DAY)).stories == 2


@pytest.mark.parametrize(
    ("seen_days", "whole_reading", "before", "kept"),
    [
        # Seen on the day of the last whole reading; as exact as a sighting is, 60 days and 8 before; a day more.
        pytest.param([100, 32, 31], 100, 99, [0, 1], id="sixty days after its item was last seen"),
        pytest.param([0, 1], 2, 3_000, [0, 1], id="a feed that was not read whole since"),
        pytest.param([0], None, 3_000, [0], id="a feed of an older version that was never read whole"),
        pytest.param([0], 390, -10, [0], id="as long as the article is kept"),
    ],
)
async def test_an_identity_is_kept_for_sixty_days_after_its_feed_listed_it_last(
    store: storage.Store, seen_days: list[int], whole_reading: int | None, before: int, kept: list[int]
) -> None:
    items = [article(str(day)) for day in seen_days]
    named_at = None if whole_reading is None else START + timedelta(days=whole_reading)

    def work(tx: storage.Transaction) -> None:
        tx.articles.add(items, has_text=False)
        for day, item in zip(seen_days, items, strict=True):
            tx.articles.see([Sighting(feed=FEED, key=item.id, article=item.id)], at=START + timedelta(days=day))
        tx.feeds.sync([FEED], now=START)
        tx.feeds.save([FeedState(url=FEED, due_at=START, named_at=named_at)])

    await store.write(work)
    trimmed = await storage.trim(store, before=START + timedelta(days=before))
    assert trimmed.identities == len(items) - len(kept)
    question = IdentityQuery(feed=FEED, keys=[item.id for item in items])
    [known] = await store.read(lambda tx: tx.articles.find_known_items([question]))
    assert [number for number, item in enumerate(items) if item.id in known.by_key] == kept


# -- backup


async def test_a_backup_of_a_running_store_is_consistent(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    store = storage.open_store(address, clock=FakeClock())
    stop = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        while not stop.is_set():
            await store.write(lambda tx: tx.articles.add([article(str(written))]))  # noqa: B023 - runs at once
            await store.write(lambda tx: tx.key_values.put("last", str(written)))  # noqa: B023 - runs at once
            written += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        while written < 20:  # noqa: ASYNC110 - writes ring no bell
            await asyncio.sleep(0)
        await asyncio.to_thread(storage.backup, address, tmp_path / "copies" / "copy.db")
        stop.set()
    await store.close()
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["copy.db"]
    copy = storage.open_store(f"sqlite:///{tmp_path}/copies/copy.db", clock=FakeClock(), read_only=True)
    last, count = await copy.read(lambda tx: (tx.key_values.get("last"), tx.articles.count()))
    await copy.close()
    assert last is not None
    assert int(last) >= 19
    assert count in (int(last) + 1, int(last) + 2)


def test_a_backup_says_why_it_cannot_be_made(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    with pytest.raises(StoreUnavailable, match="it does not exist yet"):
        storage.backup(address, tmp_path / "copy.db")
    storage.open_store(address, clock=FakeClock()).close_now()
    (tmp_path / "copy.db").write_text("kept")
    with pytest.raises(StoreError, match="the file exists; choose another name"):
        storage.backup(address, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "kept"
    with pytest.raises(StoreUnavailable, match="check the space and the rights there"):
        storage.backup(address, tmp_path / "copy.db" / "inside")
    with pytest.raises(ConfigError, match="pg_dump"):
        storage.backup("postgresql://bot@host/db", tmp_path / "copy2.db")
