"""Rows that cannot be read are set aside, and kept as text."""

from __future__ import annotations

import json

from bot import storage
from bot.model.actions import Ruling, RulingKind
from bot.model.stories import StoryId
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


async def test_unreadable_rows_are_kept_as_text_with_what_belongs_to_them_and_the_others_are_read(
    store: storage.Store,
) -> None:
    first, second = article("one", text="The text"), article("two")

    def fill(tx: storage.Transaction) -> None:
        tx.articles.add([first, second])
        tx.stories.save(story("s1", first))
        tx.stories.save(story("s2", second))
        tx.stories.save_alert(alert("s2"))
        for name in ("r1", "r2"):
            tx.rulings.add(Ruling(id=name, at=START, by="ann", kind=RulingKind.SPLIT, story=StoryId("s1")))
        for damage in (
            "articles SET tags = '{' WHERE title = 'Headline of one'",
            "rulings SET kind = 'from tomorrow' WHERE id = 'r2'",
            "alerts SET state = 'from tomorrow'",
            f"stories SET last_seen = {10**18} WHERE id = 's2'",
        ):
            tx.connection.exec_driver_sql(f"UPDATE {damage}")

    await store.write(fill)
    assert [ruling.id for ruling in await store.read(lambda tx: tx.rulings.waiting())] == ["r1"]
    (read,) = (await store.read(lambda tx: tx.articles.get([first.id]))).values()
    assert (read.title, read.link, read.text) == (first.title, first.link, "")
    stories = await store.read(lambda tx: tx.stories.get([StoryId("s1"), StoryId("s2")]))
    assert {name: len(found.members) for name, found in stories.items()} == {"s1": 1}
    bodies = [json.loads(piece.body) for piece in await store.read(lambda tx: tx.quarantine.all())]
    kept = {next(iter(body)): body for body in bodies}
    assert (len(bodies), set(kept)) == (3, {"articles", "rulings", "stories"})
    assert kept["articles"]["articles"][0]["text"] == "The text"
    assert [row["article"] for row in kept["stories"]["members"]] == [second.id]
    assert [row["state"] for row in kept["stories"]["alerts"]] == ["from tomorrow"]
