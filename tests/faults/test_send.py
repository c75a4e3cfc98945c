"""A message that a channel's code cannot send is set aside; the others are sent, and it can be tried again."""

from __future__ import annotations

import pytest

from bot.model.quarantine import PieceKind
from tests.faults import rows
from tests.journeys.world import Item, World
from tests.testbed import faults
from tests.testbed.fakes import START
from tests.testbed.faults import spoiling

#: Four stories an hour have a message of their own; the others are gathered.
FEW_POSTS = rows.BOT + "posts_per_hour: 4\n"


async def test_a_channel_that_raises_after_its_service_accepted_a_message_posts_it_once(desk: World) -> None:
    reports = rows.reports(3, poison=faults.MESSAGE, at=1)
    rows.configure(desk, "wire", raises="after")
    desk.publish("wire", *reports)

    await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []


async def test_a_story_that_left_a_gathered_message_for_its_news_is_not_posted_again_when_another_is_at_fault(
    desk: World,
) -> None:
    rows.configure(desk, "wire", "herald", raises="always", bot=FEW_POSTS)
    reports = rows.reports(8, poison=faults.MESSAGE, at=7)
    for count in (4, 8):
        desk.publish("wire", *reports[:count])
        await desk.once(minutes=1)
    number = 100 + 6
    title = reports[6].title.replace(str(number), f"9{number}")
    desk.publish("herald", Item(id="h6", title=title, text=f"{title}, not {number}, the company said.", at=START))
    await desk.once(minutes=1)
    assert rows.posted(desk, reports) == []
    assert await rows.pieces(desk) == [], "a channel that raises on everything sets nothing aside"

    rows.configure(desk, "wire", "herald", bot=FEW_POSTS)
    for _ in range(2):
        await desk.once(minutes=1)

    assert rows.posted(desk, reports) == rows.ids(reports, without=faults.MESSAGE)
    [reply] = desk.replies()
    assert title.partition(" recalls ")[0] in reply["text"]


@pytest.mark.parametrize(
    ("bot", "counts", "raises", "error"),
    [
        (rows.BOT, (8,), "before", "LookupError"),
        (FEW_POSTS, (6, 9), "before", "LookupError"),
        (FEW_POSTS, (6, 9), "refused", "refused also as plain text: blocked by the moderators’ filter"),
    ],
    ids=["a message of one story", "a gathered message", "a gathered message that is refused"],
)
async def test_one_story_that_cannot_be_sent_is_set_aside_takes_no_other_with_it_and_can_be_tried_again(
    desk: World, bot: str, counts: tuple[int, ...], raises: str, error: str
) -> None:
    rows.configure(desk, "wire", raises=raises, bot=bot)
    reports = rows.reports(counts[-1], poison=faults.MESSAGE, at=7)
    for count in counts:
        desk.publish("wire", *reports[:count])
        for _ in range(2):
            await desk.once(minutes=1)

    assert (len(desk.heads()) < len(reports) - 1) == (bot == FEW_POSTS), "some messages have several stories"
    assert rows.posted(desk, reports) == rows.ids(reports, without=faults.MESSAGE)
    assert await rows.pieces(desk) == [(PieceKind.MESSAGE, "send")]
    assert spoiling.quarantined_words(desk.address) == [faults.MESSAGE]
    [notice] = rows.notices(desk)
    assert error in notice

    rows.configure(desk, "wire", message="", bot=bot)
    rows.run(desk, "UPDATE quarantine SET is_retry_requested = true")
    await desk.once()

    assert rows.posted(desk, reports) == rows.ids(reports)
    assert await rows.pieces(desk) == []
