"""An item that breaks the cleaning or the intake is set aside; all other items are stored."""

from __future__ import annotations

import pytest

from bot.model.quarantine import PieceKind
from tests.faults import rows
from tests.journeys.world import World
from tests.testbed import faults


@pytest.mark.parametrize(("poison", "stage"), [(faults.ENTRY, "clean"), (faults.ITEM, "intake")])
async def test_one_item_at_fault_among_twenty_is_set_aside_and_can_be_tried_again(
    desk: World, poison: str, stage: str
) -> None:
    rows.configure(desk, "wire", "courier")
    await desk.once()
    reports, other_items = rows.reports(20, poison=poison), rows.reports(2, skip=20)
    desk.publish("wire", *reports)
    desk.publish("courier", *other_items)
    for _ in range(2):
        report = await desk.once()
        assert [feed.error for feed in report.passed.feeds] == [None, None]
    assert rows.posted(desk, [*reports, *other_items]) == rows.ids([*reports, *other_items], without=poison)
    assert await rows.pieces(desk) == [(PieceKind.ITEM, stage)]
    assert len(rows.notices(desk)) == 1

    # The next version has no bug, and the feed no longer lists the item.
    rows.configure(desk, "wire", "courier", item="")
    rows.change(desk, "UPDATE quarantine SET version = '0'")
    await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []
