"""A story claimed in Telegram, by a button."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot import app, model
from bot.app import runtime
from bot.app.runtime import App
from testbed.servers import faulty, telegram
from tests.journeys import world as worlds
from tests.journeys.test_buttons import ShiftedClock, database, until
from tests.journeys.test_duty import QUARTER
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import World

__all__ = ["database"]

_SECOND = '  duty: {{kind: slack, to: "#second", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.01 seconds}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A channel of a service, in which people read and react."""

    #: The line of bot.yaml, without its braces.
    written: str
    token: str
    #: The text of the story's message as it is now; empty: there is none.
    text: Callable[[], str]
    claim: Callable[[], object]
    release: Callable[[], object]
    #: As the message names who claimed it, and as other services do.
    name: str
    shown: str
    #: The address of the message, which the escalation links.
    link: Callable[[], str]


@contextmanager
def _telegram() -> Iterator[Place]:
    with faulty.serve(telegram.BotApi()) as server:
        api = server.service

        def claim() -> None:
            api.press("Claim", person=78, name="boss")
            api.press("Claim")

        keys = f'to: "{telegram.NEWS}", api_url: "{server.url}", pace: 0.01 seconds, buttons: true, may_act: "77"'
        yield Place(
            written=f"kind: telegram, {keys}",
            token=telegram.TOKEN,
            text=lambda: str(api.messages()),
            claim=claim,
            release=lambda: api.press("Release"),
            name="ann_desk",
            shown="@ann_desk",
            link=lambda: "https://t.me/c/1234567890/1",
        )


async def is_sending(bot: App) -> bool:
    rows = await bot.store.read(lambda tx: tx.outbox.unsent())
    return any(row.state is model.SendState.SENDING for row in rows)


@asynccontextmanager
async def running(folder: Path, database: str, place: Place) -> AsyncIterator[tuple[World, ShiftedClock]]:
    """The bot with one grave story told in a place."""
    desk = "  desk: {{" + place.written + ", token: env:PLACE}}"
    lines = [desk if line.startswith("  desk:") else line for line in worlds.BOT.splitlines()]
    form = "\n".join(lines).replace("  ops:", f"{_SECOND}\n  ops:") + "\nescalate: {{after: 15 minutes, to: duty}}\n"
    form = form.replace("sqlite:///{folder}/wirewatch.db", database)
    workers = 2 if database.startswith("postgresql") else 1
    if workers > 1:
        form = form.replace("every: 5 minutes", "every: 1 seconds")
    async with worlds.world(folder) as world, AsyncExitStack() as stack:
        world.environ["PLACE"] = place.token
        world.configure("wire", bot=form)
        world.publish("wire", FIRST)
        clock, stop = ShiftedClock(), asyncio.Event()
        settings = app.load(folder, world.environ)
        environment = app.Environment(environ=world.environ, clock=clock)
        bots = [
            await stack.enter_async_context(runtime.opened(settings, environment, process_name=f"worker {number}"))
            for number in range(workers)
        ]
        async with asyncio.TaskGroup() as group:
            for bot in bots:
                group.create_task(bot.run(stop, everything=True))
            await until(lambda: "BlackBerry" in place.text())
            while await is_sending(bots[0]):  # noqa: ASYNC110 - a press that overtakes its message's record is refused
                await asyncio.sleep(0.02)
            yield world, clock
            stop.set()


async def test_a_claim_calls_nobody_and_its_end_calls_them_again(tmp_path: Path, database: str) -> None:
    with _telegram() as place:
        async with running(tmp_path, database, place) as (world, clock):
            assert "Claimed by" not in place.text()
            place.claim()
            await until(lambda: "Claimed by" in place.text())
            assert place.name in place.text()
            clock.advance(QUARTER)
            await asyncio.sleep(0.5)
            assert world.heads("second") == []

            place.release()
            await until(lambda: "Claimed by" not in place.text())
            clock.advance(QUARTER)
            await until(lambda: world.heads("second"))
            assert place.link() in str(world.heads("second")[0]["blocks"])

            place.claim()
            await until(lambda: "Claimed by" in str(world.heads("second")[0]["blocks"]))
            told = str(world.heads("second")[0]["blocks"])
            assert f"Claimed by '}}, {{'type': 'text', 'text': '{place.shown}'}}" in told, "never an id"
