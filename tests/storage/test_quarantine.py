"""Rows that cannot be read are set aside, and kept as text."""

from __future__ import annotations

import json

from sqlalchemy import literal_column

from bot import storage
from bot.model.actions import Ruling, RulingKind
from bot.model.stories import StoryId
from bot.storage.schema import stories
from tests.testbed.fakes import START
from tests.testbed.made import alert, article, story


async def test_unreadable_entries_of_the_queue_are_kept_as_text_each_for_itself(store: storage.Store) -> None:
    for body in ('{"article": 1}', "{"):
        await store.write(lambda tx, body=body: tx.decision_queue.put_back(body))  # type: ignore[misc]
        assert not await store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=10)))

    # The second entry has another number, although the queue was empty again.
    bodies = [json.loads(piece.body) for piece in await store.read(lambda tx: tx.quarantine.all())]
    assert sorted(bodies, key=str) == [
        {"decision_queue": [{"n": 1, "body": '{"article": 1}'}]},
        {"decision_queue": [{"n": 2, "body": "{"}]},
    ]


async def test_an_unreadable_article_keeps_its_identity_and_its_place_in_its_story(store: storage.Store) -> None:
    stored = article("one", text="The text")

    def fill(tx: storage.Transaction) -> None:
        tx.articles.add([stored])
        tx.stories.save(story("s1", stored))
        tx.connection.exec_driver_sql("UPDATE articles SET tags = '{'")

    await store.write(fill)
    (read,) = (await store.read(lambda tx: tx.articles.get([stored.id]))).values()

    assert (read.title, read.link, read.text) == (stored.title, stored.link, "")
    assert len((await store.read(lambda tx: tx.stories.get([StoryId("s1")])))[StoryId("s1")].members) == 1
    (piece,) = await store.read(lambda tx: tx.quarantine.all())
    assert json.loads(piece.body)["articles"][0]["text"] == "The text"


async def test_an_unreadable_story_is_kept_as_text_with_its_members_and_alerts(store: storage.Store) -> None:
    member = article("one")

    def fill(tx: storage.Transaction) -> None:
        tx.articles.add([member])
        tx.stories.save(story("s1", member))
        tx.stories.save_alert(alert("s1"))
        tx.connection.exec_driver_sql("UPDATE alerts SET state = 'from tomorrow'")

    await store.write(fill)
    await store.write(lambda tx: tx.connection.execute(stories.update().values(last_seen=literal_column(str(10**18)))))

    assert not await store.read(lambda tx: tx.stories.get([StoryId("s1")]))

    (piece,) = await store.read(lambda tx: tx.quarantine.all())
    kept = json.loads(piece.body)
    assert [row["article"] for row in kept["members"]] == [member.id]
    assert [row["state"] for row in kept["alerts"]] == ["from tomorrow"]


async def test_an_unreadable_ruling_is_moved_and_others_are_read(store: storage.Store) -> None:
    def fill(tx: storage.Transaction) -> None:
        tx.stories.save(story("s1"))
        for name in ("r1", "r2"):
            tx.rulings.add(Ruling(id=name, at=START, by="ann", kind=RulingKind.SPLIT, story=StoryId("s1")))
        tx.connection.exec_driver_sql("UPDATE rulings SET kind = 'from tomorrow' WHERE id = 'r2'")

    await store.write(fill)
    assert [ruling.id for ruling in await store.read(lambda tx: tx.rulings.waiting())] == ["r1"]
    assert len(await store.read(lambda tx: tx.quarantine.all())) == 1
