"""A damaged index of words is built again, and keeps no article from being stored and posted."""

from __future__ import annotations

from pathlib import Path

from tests.faults import rows
from tests.journeys.world import world


async def test_a_damaged_index_of_words_is_built_again_and_keeps_no_article_from_being_posted(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as desk:
        desk.configure("wire", rules=rows.RULES)
        await desk.once()
        desk.publish("wire", *rows.reports(3))
        await desk.once()
        rows.change(desk, "DELETE FROM search_index_data")
        desk.publish("wire", *rows.reports(6))

        await desk.once()

        assert rows.posted(desk, rows.reports(6)) == sorted(report.id for report in rows.reports(6))
        indexed = "SELECT count(*) FROM search_index WHERE search_index MATCH 'kettles'"
        assert rows.ask(desk, indexed) == [(6,)]
