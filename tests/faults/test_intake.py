"""An item that breaks the parsing, the cleaning or the intake is set aside; all other items are stored."""

from __future__ import annotations

import pytest

from bot.model.quarantine import PieceKind
from bot.pipeline.poll import OUR_BUG
from tests.faults import rows
from tests.journeys.world import World
from tests.testbed import faults


@pytest.mark.parametrize(("poison", "stage"), [(faults.ENTRY, "clean"), (faults.ITEM, "intake")])
async def test_one_item_at_fault_among_others_is_set_aside_and_can_be_tried_again(
    desk: World, poison: str, stage: str
) -> None:
    rows.configure(desk, "wire", "courier")
    await desk.once()
    reports, other_items = rows.reports(8, poison=poison), rows.reports(2, skip=20)
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


async def test_one_item_that_cannot_be_parsed_is_set_aside_and_parsed_again_from_its_feed(desk: World) -> None:
    bot = rows.BOT.replace("readers: 0", "readers: 1")
    rows.configure(desk, "wire", "courier", bot=bot)
    await desk.once()
    reports, other_items = rows.reports(8, poison=faults.UNPARSED), rows.reports(2, skip=20)
    desk.publish("wire", *reports)
    desk.publish("courier", *other_items)
    await desk.once()
    # The feed lists another item too.
    reports = [*reports, *rows.reports(1, skip=22)]
    desk.publish("wire", *reports)
    report = await desk.once()
    assert [feed.error for feed in report.passed.feeds] == [None, None]
    assert rows.posted(desk, [*reports, *other_items]) == rows.ids([*reports, *other_items], without=faults.UNPARSED)
    [piece] = await desk.read(lambda tx: tx.quarantine.all())
    assert (piece.kind, piece.stage) == (PieceKind.ITEM, "parse")
    assert piece.id.startswith(desk.outlets.url("/wire.xml"))
    assert piece.error.startswith("LookupError in bot/feeds/kinds/rss/__init__.py")
    assert len(rows.notices(desk)) == 1

    # The next version has no bug, and the feed has not changed.
    rows.configure(desk, "wire", "courier", item="", bot=bot)
    desk.publish("wire", *reports)
    rows.change(desk, "UPDATE quarantine SET version = '0'")
    for _ in range(2):
        await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []
    assert len(rows.notices(desk)) == 1


async def test_a_feed_of_which_no_item_can_be_parsed_fails_and_nothing_is_set_aside(desk: World) -> None:
    rows.configure(desk, "wire", "courier")
    reports, other_items = rows.reports(1, poison=faults.UNPARSED, at=0), rows.reports(2, skip=20)
    desk.publish("wire", *reports)
    await desk.once()
    desk.publish("courier", *other_items)
    report = await desk.once()
    assert {feed.error for feed in report.passed.feeds} == {OUR_BUG, None}
    assert rows.posted(desk, [*reports, *other_items]) == rows.ids(other_items)
    assert await rows.pieces(desk) == []
    [failing] = [state for state in await desk.read(lambda tx: tx.feeds.all()) if state.failures]
    assert (failing.health_text, failing.error) == ("failing (2)", OUR_BUG)
