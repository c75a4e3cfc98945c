"""A database that fails in part: a damaged index of words, and failures between successes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot import storage
from bot.model.errors import StoreUnavailable
from bot.web.health import Probe
from tests.faults import rows
from tests.journeys.world import World, world
from tests.testbed.servers.postgres import Server
from tests.testbed.shown import lead_of


async def post_around_damage(desk: World, damage: str) -> None:
    """Publish reports before and after the damage, which is SQL, and check that all of them are posted."""
    desk.configure("wire", rules=rows.RULES)
    await desk.once()
    desk.publish("wire", *rows.reports(3))
    await desk.once()
    rows.run(desk, damage)
    desk.publish("wire", *rows.reports(6))

    await desk.once()

    assert rows.posted(desk, rows.reports(6)) == rows.ids(rows.reports(6))


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM search_index_data",
        # Its structure and its blocks, on which an insert raises "constraint failed".
        "UPDATE search_index_data SET block = zeroblob(100)",
        "DROP TABLE search_index_config",
        "DROP TABLE search_rows",
    ],
)
async def test_a_damaged_index_of_words_is_built_again_and_keeps_no_article_from_being_posted(
    damage: str, empty: World
) -> None:
    await post_around_damage(empty, damage)

    await empty.once()
    [_] = [text for text in map(str, empty.heads("ops")) if "index of the articles' words was damaged" in text]
    indexed = "SELECT count(*) FROM search_index WHERE search_index MATCH 'recalls'"
    assert rows.run(empty, indexed) == [(6,)]


@pytest.mark.postgres
async def test_a_damaged_index_of_words_in_postgresql_is_built_again_and_keeps_no_article_from_being_posted(
    tmp_path: Path, postgres_server: Server
) -> None:
    async with world(tmp_path / "config", postgres_server.new_database()) as desk:
        # The index's file is lost.
        await post_around_damage(
            desk, "UPDATE pg_class SET relfilenode = 4000000 WHERE relname = 'ix_search_rows_words'"
        )

        (index,) = rows.run(desk, "SELECT relfilenode FROM pg_class WHERE relname = 'ix_search_rows_words'")
        assert index != (4000000,)
        result = "SELECT count(*) FROM search_rows WHERE words @@ to_tsquery('simple', 'recalls')"
        assert rows.run(desk, result) == [(6,)]


def fail(tx: storage.Transaction) -> None:
    raise StoreUnavailable("the disk is full")


async def test_a_database_that_fails_in_part_is_reported_and_the_bot_is_not_ready_for_a_minute(
    empty: World,
) -> None:
    empty.configure("wire", rules=rows.RULES)
    await empty.once()
    async with empty.opened() as running:

        async def tick() -> list[str]:
            await running.heartbeat.tick()
            await running.report_trouble()
            unsent = await running.store.read(lambda tx: tx.outbox.unsent())
            return [lead_of(row.message) for row in unsent if "database" in lead_of(row.message)]

        with pytest.raises(StoreUnavailable):
            await running.store.write(fail)
        assert await tick() == []  # one failure, perhaps a lock that is over
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await running.store.write(fail)
            notices = await tick()
            assert not (await Probe(running).ask()).is_ready
        (beginning,) = notices
        assert beginning.startswith("The database has failed in part since ")
        empty.clock.advance(timedelta(seconds=61))
        await tick()
        assert (await Probe(running).ask()).is_ready
        _, end = await tick()
        assert "could not be used for" in end
