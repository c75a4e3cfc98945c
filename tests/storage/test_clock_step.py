"""After the clock was set back, waiting work runs as early as it was meant to and no earlier."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import storage
from bot.model.alerts import AlertState, Reason
from bot.model.feeds import FeedState
from tests.pipeline.outbox_rows import row
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import alert, article, story

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(minutes=1)


async def test_what_waits_for_a_time_waits_as_long_as_before(store: storage.Store, clock: FakeClock) -> None:
    ahead = START + DAY  # what the clock showed before it was put right
    waiting = FeedState(url="https://a.example/", due_at=ahead + HOUR)
    due = FeedState(url="https://b.example/", due_at=START - HOUR)
    await store.write(lambda tx: tx.feeds.sync([waiting.url, due.url], now=START - HOUR))
    await store.write(lambda tx: tx.feeds.save([waiting, due]))
    await store.write(lambda tx: tx.feeds.limit_host("c.example", ahead + HOUR))
    later = row("later")
    await store.write(lambda tx: tx.outbox.add([later]))
    await store.write(lambda tx: tx.outbox.claim("desk", now=ahead, limit=1, token="dead", lease=LEASE))

    await store.write(lambda tx: storage.shift_waiting_times(tx, by=DAY, now=START))

    states = {state.url: state.due_at for state in await store.read(lambda tx: tx.feeds.all())}
    assert states == {waiting.url: START + HOUR, due.url: START - HOUR}
    assert await store.read(lambda tx: tx.feeds.host_limits(now=START)) == {"c.example": START + HOUR}
    assert await store.read(lambda tx: tx.outbox.next_due(["desk"], now=START)) == START + LEASE


async def test_what_is_held_is_decided_anew_and_what_was_said_counts_from_now(
    store: storage.Store, clock: FakeClock
) -> None:
    ahead = START + DAY
    await store.write(lambda tx: _tell(tx, ahead))

    await store.write(lambda tx: storage.shift_waiting_times(tx, by=DAY, now=START))

    held = await store.read(lambda tx: tx.stories.held_until(START))
    assert [alert.story for alert in held] == ["held"]
    stories = await store.read(lambda tx: tx.stories.posted_since("desk", START - HOUR))
    assert [(alert.story, alert.posted_at, alert.held_until) for alert in stories] == [
        ("said", START, ahead + 5 * DAY)  # the date of a reminder is not a wait
    ]


def _tell(tx: storage.Transaction, ahead: datetime) -> None:
    for name in ("held", "said"):
        tx.articles.add([article(name)])
        tx.stories.save(story(name, article(name)))
    held = alert("held", state=AlertState.HELD, reason=Reason.QUIET_HOURS, held_until=ahead + HOUR)
    tx.stories.save_alert(held)
    text = alert("said", posted_at=ahead, held_until=ahead + 5 * DAY)
    tx.stories.save_alert(text)
