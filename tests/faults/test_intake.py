"""An item that breaks the intake is set aside; the other items of its feed, and the other feeds, are stored."""

from __future__ import annotations

from bot.model.quarantine import PieceKind
from tests.faults import rows
from tests.journeys.world import World
from tests.testbed import faults


async def test_one_item_at_fault_among_twenty_is_set_aside_and_can_be_tried_again(desk: World) -> None:
    rows.configure(desk, "wire", "courier")
    await desk.once()
    reports, other_items = rows.reports(20, poison=faults.ITEM), rows.reports(2, skip=20)
    desk.publish("wire", *reports)
    desk.publish("courier", *other_items)
    for _ in range(2):
        report = await desk.once()
        assert [feed.error for feed in report.passed.feeds] == [None, None]
    assert rows.posted(desk, [*reports, *other_items]) == rows.ids([*reports, *other_items], without=faults.ITEM)
    assert await rows.pieces(desk) == [(PieceKind.ITEM, "intake")]
    assert len(rows.notices(desk)) == 1

    # The next version has no bug, and the feed no longer lists the item.
    rows.configure(desk, "wire", "courier", item="")
    rows.change(desk, "UPDATE quarantine SET version = '0'")
    await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []
