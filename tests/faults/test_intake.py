"""An item that breaks the parsing, the cleaning or the intake is set aside; all other items are stored."""

from __future__ import annotations

import pytest

from bot.model.quarantine import PieceKind
from bot.pipeline.poll import OUR_BUG
from tests.faults import rows
from tests.journeys.world import World
from tests.testbed import faults


@pytest.mark.parametrize(
    ("poison", "stage", "readers"),
    [(faults.ENTRY, "clean", 0), (faults.ITEM, "intake", 0), (faults.UNPARSED, "parse", 1)],
)
async def test_one_item_at_fault_among_others_is_set_aside_and_can_be_tried_again(
    desk: World, poison: str, stage: str, readers: int
) -> None:
    bot = rows.BOT.replace("readers: 0", f"readers: {readers}")
    rows.configure(desk, "wire", "courier", bot=bot)
    await desk.once()
    reports, other_items = rows.reports(8, poison=poison), rows.reports(2, skip=20)
    desk.publish("wire", *reports)
    desk.publish("courier", *other_items)
    await desk.once()
    # The feed lists another item too.
    reports = [*reports, *rows.reports(1, skip=22)]
    desk.publish("wire", *reports)
    report = await desk.once()
    assert [feed.error for feed in report.passed.feeds] == [None, None]
    assert rows.posted(desk, [*reports, *other_items]) == rows.ids([*reports, *other_items], without=poison)
    [piece] = await desk.read(lambda tx: tx.quarantine.all())
    assert (piece.kind, piece.stage) == (PieceKind.ITEM, stage)
    assert len(rows.notices(desk)) == 1

    # The next version has no bug. The feed no longer lists the item, unless it was never parsed.
    rows.configure(desk, "wire", "courier", item="", bot=bot)
    if stage == "parse":
        assert piece.id.startswith(desk.outlets.url("/wire.xml"))
        assert piece.error.startswith("LookupError in bot/feeds/kinds/rss/__init__.py")
        desk.publish("wire", *reports)
    rows.run(desk, "UPDATE quarantine SET version = '0'")
    for _ in range(2):
        await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []
    assert len(rows.notices(desk)) == 1


async def test_a_feed_of_which_no_item_can_be_parsed_fails_and_nothing_is_set_aside(desk: World) -> None:
    rows.configure(desk, "wire", "courier")
    await desk.once()
    reports, other_items = rows.reports(1, poison=faults.UNPARSED, at=0), rows.reports(2, skip=20)
    desk.publish("wire", *reports)
    assert (await desk.once()).stopped == [], "it is a failure of this feed alone"
    desk.publish("courier", *other_items)
    report = await desk.once()
    assert {feed.error for feed in report.passed.feeds} == {OUR_BUG, None}
    assert rows.posted(desk, [*reports, *other_items]) == rows.ids(other_items)
    assert await rows.pieces(desk) == []
    [failing] = [state for state in await desk.read(lambda tx: tx.feeds.all()) if state.failures]
    assert (failing.health_text, failing.error) == ("failing (2)", OUR_BUG)
