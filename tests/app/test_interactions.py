"""The operator gets one notice that the buttons are not connected, and one that they are again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from bot import storage
from bot.app.wiring import Interactions, Live
from bot.model.channels import ChatMessage, ChatRequest, Listener, OnChange, OnChatRequest, OnPress
from tests.pipeline.conftest import clock, store
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lead_of, lines_of

__all__ = ["clock", "store"]

SETTINGS = make_settings(rules=[], operator="ops")


class Script:
    """A listener with a script of its connection: (seconds since the last change, why it fails or None)."""

    is_alone = False

    def __init__(self, clock: FakeClock, *changes: tuple[float, str | None]) -> None:
        self.channels: tuple[str, ...] = ("desk", "other")
        self._clock = clock
        self._changes = changes
        self.done = asyncio.Event()

    async def listen(self, on_press: OnPress, on_change: OnChange, on_asked: OnChatRequest) -> None:
        for seconds, reason in self._changes:
            self._clock.advance(timedelta(seconds=seconds))
            await on_change(reason)
        self.done.set()
        await asyncio.Event().wait()


def interactions(store: storage.Store, clock: FakeClock, live: Live | None = None) -> Interactions:
    async def nobody_asks(request: ChatRequest, channels: Sequence[str]) -> Sequence[ChatMessage]:
        raise AssertionError(request)

    live = live or Live(settings=SETTINGS, channels={}, loaded_at=START)
    return Interactions(store, clock, live=live, on_decided=lambda decided: None, on_question=nobody_asks)


async def play(store: storage.Store, *changes: tuple[float, str | None]) -> list[str]:
    """Return the notices to the operator."""
    clock = FakeClock()
    script = Script(clock, *changes)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(interactions(store, clock).run(lambda: [script]))
        await script.done.wait()
        task.cancel()
    rows = await store.read(lambda tx: tx.outbox.unsent())
    return [f"{row.channel}: {lead_of(row.message)} {lines_of(row.message)[0]}" for row in rows]


async def test_a_connection_that_fails_for_a_minute_is_reported_once_and_its_return_once(store: storage.Store) -> None:
    assert await play(store, (0, None), (5, "reset"), (30, None), (40, "reset"), (5, None)) == []
    notices = await play(
        store, (0, "no way"), (40, "no way"), (40, "no way"), (40, "still none"), (40, None), (9, None)
    )
    assert notices == [
        "ops: The buttons of desk, other do not work. Messages are still sent; presses fail. no way",
        "ops: The buttons of desk, other work again. The trouble was: no way",
    ]


async def test_a_failure_that_was_reported_before_a_restart_is_not_reported_again(store: storage.Store) -> None:
    assert len(await play(store, (0, "no way"), (90, "no way"))) == 1
    assert len(await play(store, (0, "no way"), (90, "no way"))) == 1
    assert len(await play(store, (0, None))) == 2


async def test_after_a_change_of_channels_the_new_channels_have_listeners(store: storage.Store) -> None:
    clock = FakeClock()
    scripts = [Script(clock, (0, None)), Script(clock, (0, None))]
    waiting = list(scripts)
    live = Live(settings=SETTINGS, channels={}, loaded_at=START)
    hearing = interactions(store, clock, live)

    def next_one() -> Sequence[Listener]:
        return [waiting.pop(0)]

    async with asyncio.TaskGroup() as group:
        task = group.create_task(hearing.run(next_one))
        await scripts[0].done.wait()
        live.replace(live.settings, {"desk": object()}, now=clock.now())  # type: ignore[dict-item]
        await scripts[1].done.wait()
        task.cancel()
    assert waiting == []
