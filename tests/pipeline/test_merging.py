"""Two posted stories turn out to be one: the older message stays, the younger links to it once and is silent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot import storage
from bot.model.actions import SilenceKind
from bot.model.alerts import AlertAction, AlertState, Decision, Reason
from bot.model.messages import MessageKind, Outgoing
from bot.model.rules import Group
from bot.pipeline.join import StoryUpdater
from tests.pipeline.desk import DAY, HOUR, Desk, rule
from tests.pipeline.newsroom import DAWN, WIRE, Item, Newsroom
from tests.stories import examples
from tests.testbed import made
from tests.testbed.shown import lead_of

EXIT = (examples.EXIT.title, examples.EXIT.text)
OLDER, YOUNGER = (
    examples.story(examples.article(*EXIT, outlet=outlet, at=examples.START + at * HOUR))
    for at, outlet in enumerate(("Gazette", "Tribune"))
)
HELD = {"state": AlertState.HELD, "reason": Reason.MIN_OUTLETS, "head": None, "posted_at": None}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with storage.open_in_memory() as tx:
        desk = Desk(tx, now=examples.START + HOUR)
        desk.use(rule(name="exit", group=Group.NORMAL), window=200 * DAY)
        yield desk


def bridge(desk: Desk) -> list[Outgoing]:
    """Return the rows of the outbox after an article that is surely about both stories."""
    desk.arrive(EXIT, outlet="Mirror")
    return list(desk.tx.outbox.unsent())


def decisions(desk: Desk) -> list[Decision]:
    return [decision for story in (OLDER, YOUNGER) for decision in desk.tx.stories.decisions(story.id)]


def test_the_older_message_lives_on_and_the_younger_points_to_it_once(desk: Desk) -> None:
    for story in (OLDER, YOUNGER):
        desk.post(story)
    rows = bridge(desk)
    [merged] = [decision for decision in decisions(desk) if decision.reason is Reason.MERGED]
    assert (merged.story, merged.action) == (YOUNGER.id, AlertAction.EDIT)
    [pointer] = [row for row in rows if row.thread == f"head of {YOUNGER.id}"]
    assert lead_of(pointer.message) == "Merged into an earlier story:"
    assert all(row.thread == f"head of {OLDER.id}" for row in rows if row is not pointer)
    [head] = [row for row in rows if row.message.kind is MessageKind.EDIT and row is not pointer]
    [brief] = head.message.stories
    assert brief.byline is not None
    assert (brief.byline.outlet, brief.byline.more, brief.copy_count) == ("Gazette", 1, 1), "all have one headline"

    desk.arrive((examples.AFFECTED.title, examples.AFFECTED.text), outlet="Echo", after=DAY)
    assert [decision for decision in decisions(desk) if decision.story == YOUNGER.id] == [merged]
    alerts = {alert.story: alert.state for alert in desk.tx.stories.alerts([OLDER.id, YOUNGER.id])}
    assert alerts == {OLDER.id: AlertState.POSTED, YOUNGER.id: AlertState.MERGED}


def test_where_only_the_younger_was_posted_its_message_is_taken_over(desk: Desk) -> None:
    desk.post(OLDER, **HELD)
    desk.post(YOUNGER)
    rows = bridge(desk)
    assert {row.thread for row in rows} == {f"head of {YOUNGER.id}"}
    assert all(row.message.reason is not Reason.MERGED for row in rows)
    [alert] = desk.tx.stories.alerts([OLDER.id])
    assert (alert.state, alert.head) == (AlertState.POSTED, f"head of {YOUNGER.id}")
    assert alert.posted_for == YOUNGER.id


def test_a_silenced_story_stays_silent_when_an_older_one_takes_its_message_over(desk: Desk) -> None:
    desk.post(OLDER, **HELD)
    desk.post(YOUNGER)
    desk.tx.silences.add(made.silence(SilenceKind.STORY, YOUNGER.id, until=None))
    assert bridge(desk) == []
    assert [(decision.story, decision.reason) for decision in decisions(desk)] == [(OLDER.id, Reason.SILENCED)]


# -- an outlet that reuses its page for the next event


@pytest.mark.parametrize("restarts", [False, True], ids=["runs on", "restarts"])
async def test_reports_of_the_next_event_do_not_join_the_page_that_announces_it_now(
    store: storage.Store, restarts: bool
) -> None:
    announced = "BlackBerry engineer arrested over theft of phones in Brixley"
    room = Newsroom(store, [DAWN, WIRE])
    for title in ("Storm closes the ferry of BlackBerry staff across Lake Aldmoor", announced):
        await room.poll(DAWN, Item(id="1", title=title, text="Waves of four metres, the harbour master said."))
        room.now += timedelta(hours=6)
    if restarts:
        room.updater = StoryUpdater()
    await room.poll(WIRE, Item(id="2", title=announced, text="Police searched a barn and found 300 boxes."))
    titles = [[member.article.title for member in story.members] for story in await room.stories()]
    assert titles == [[announced], [announced]]
