"""A message that a channel's code cannot send is set aside; the others are sent, and it can be tried again."""

from __future__ import annotations

from bot.model.quarantine import PieceKind
from tests.faults import rows
from tests.journeys.world import World
from tests.testbed import faults
from tests.testbed.faults import spoiling


async def test_one_message_at_fault_among_twenty_is_set_aside_and_can_be_tried_again(desk: World) -> None:
    reports = rows.reports(21, poison=faults.MESSAGE)
    desk.publish("wire", *reports)
    for _ in range(2):
        await desk.once()
    assert rows.posted(desk, reports) == rows.ids(reports, without=faults.MESSAGE)
    assert await rows.pieces(desk) == [(PieceKind.MESSAGE, "send")]
    assert len(rows.notices(desk)) == 1

    rows.configure(desk, "wire", message="")
    rows.change(desk, "UPDATE quarantine SET is_retry_requested = true")
    await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []


async def test_a_channel_that_raises_on_everything_sets_nothing_aside_and_its_messages_wait(desk: World) -> None:
    reports = rows.reports(3)
    rows.configure(desk, "wire", raises="always")
    desk.publish("wire", *reports)
    await desk.once()
    assert rows.posted(desk, reports) == []
    assert await rows.pieces(desk) == []

    rows.configure(desk, "wire")
    await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)


async def test_a_channel_that_raises_after_its_service_accepted_a_message_posts_it_once(desk: World) -> None:
    reports = rows.reports(3, poison=faults.MESSAGE, at=1)
    rows.configure(desk, "wire", raises="after")
    desk.publish("wire", *reports)

    await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []


async def test_one_story_of_a_gathered_message_at_fault_takes_no_other_with_it(desk: World) -> None:
    # Twenty an hour have a message of their own; the others are gathered.
    reports = rows.reports(30, poison=faults.MESSAGE, at=27)
    desk.publish("wire", *reports[:26])
    for count in (26, 30):
        desk.publish("wire", *reports[:count])
        for _ in range(2):
            await desk.once(minutes=1)

    assert rows.posted(desk, reports) == rows.ids(reports, without=faults.MESSAGE)
    assert await rows.pieces(desk) == [(PieceKind.MESSAGE, "send")]
    assert spoiling.quarantined_words(desk.address) == [faults.MESSAGE]
