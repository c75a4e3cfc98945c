"""Somebody presses a button under a message in Slack: the running bot receives it, stores it once, and obeys it.

One process on SQLite, and two workers on one PostgreSQL; Slack sends a press to one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import app
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.environment import SystemClock
from bot.app.runtime import App
from bot.model.actions import Verdict
from bot.model.alerts import Decision
from bot.model.messages import SendState
from bot.model.stories import Story
from tests.journeys import world as worlds
from tests.journeys.test_seed_story import FIRST, OTHER_EVENT, SECOND
from tests.journeys.world import World
from tests.testbed.fakes import START
from tests.testbed.servers import faulty, postgres, slack, telegram
from tests.testbed.servers.slack_socket import SocketMode

RULE = "BlackBerry in Pakistan"
BOT = worlds.BOT.replace(
    "pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, buttons: true, app_token: env:APP}}\n  ops"
)
OTHER = replace(OTHER_EVENT, at=START)
SENDING = SendState.SENDING
SQLITE = "sqlite:///{folder}/wirewatch.db"


class ShiftedClock(SystemClock):
    """The machine's clock, moved to the day of the story, and on from there as a test wants."""

    def __init__(self, start: datetime = START) -> None:
        self._ahead = start - super().now()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def advance(self, duration: timedelta) -> None:
        self._ahead += duration


@dataclass(slots=True)
class Running:
    world: World
    bot: App
    clock: ShiftedClock

    @property
    def sockets(self) -> SocketMode:
        return self.world.slack.socket_mode

    def head(self, number: int = 0) -> Mapping[str, Any]:
        return self.world.heads()[number]

    def text(self, number: int = 0) -> str:
        return str(self.head(number)["blocks"])

    async def press(self, action: str, *, number: int = 0, user: str = "U0AMINA", option: str | None = None) -> str:
        await self.until_recorded()
        place = next(c.id for c in self.world.slack.workspace.channels.values() if c.name == "policy-alerts")
        envelope = self.sockets.press(self.head(number), channel=place, action=action, user=user, option=option)
        assert await asyncio.to_thread(self.sockets.is_acknowledged, envelope)
        return envelope

    async def until_recorded(self) -> None:
        """Wait until no message is on its way: a press that overtakes the record of its message is refused."""
        while await self.bot.store.read(lambda tx: any(row.state is SENDING for row in tx.outbox.unsent())):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def options(self, menu: str, number: int = 0) -> list[str]:
        """Return the options of a menu under a message."""
        elements = [item for block in self.head(number)["blocks"] for item in block.get("elements", ())]
        element = next(item for item in elements if f":{menu}:" in str(item.get("action_id")))
        return [option["text"]["text"] for option in element["options"]]

    async def stories(self) -> list[Story]:
        return list(await self.bot.store.read(lambda tx: tx.stories.since(None)))

    async def decisions(self) -> list[Decision]:
        return await self.bot.store.read(
            lambda tx: [decision for story in tx.stories.since(None) for decision in tx.stories.decisions(story.id)]
        )

    async def reasons(self) -> list[str]:
        return [f"{decision.action}: {decision.reason}" for decision in await self.decisions()]

    async def hear(self, outlet: str, *items: worlds.Item, decided: str) -> None:
        """Publish, and wait until the bot has decided on it."""
        count_before = (await self.reasons()).count(decided)
        self.world.publish(outlet, *items)
        while (await self.reasons()).count(decided) == count_before:  # noqa: ASYNC110 - the bot is at work
            await asyncio.sleep(0.02)


async def until(is_so: Callable[[], Any]) -> None:
    """Waits for what must come; the test's own limit ends it."""
    while not is_so():  # noqa: ASYNC110 - what is waited for happens in a server of another thread
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    folder: Path,
    database: str = SQLITE,
    *,
    form: str = BOT,
    rules: str = worlds.RULES,
    severity: str = "normal",
    environ: Mapping[str, str] | None = None,
    is_ready: Callable[[], object] | None = None,
) -> AsyncIterator[Running]:
    """Run the bot until it has posted one story and, by default, has its connections for Slack's buttons."""
    async with worlds.world(folder) as world, AsyncExitStack() as stack:
        world.environ.update({"APP": slack.APP_TOKEN, **(environ or {})})
        workers = 2 if database.startswith("postgresql") else 1
        # A worker asks by a feed's own interval; a process alone, here, at each tick.
        bot_file = form.replace(SQLITE, database)
        if workers > 1:
            bot_file = bot_file.replace("every: 5 minutes", "every: 1 seconds")
        rules = rules.replace("high", severity)
        world.configure("wire", "courier", "ledger", "observer", bot=bot_file, rules=rules)
        world.publish("wire", FIRST)
        clock, stop = ShiftedClock(), asyncio.Event()
        environment = app.Environment(environ=world.environ, clock=clock)
        settings = app.load(folder, world.environ)
        bots = [
            await stack.enter_async_context(runtime.opened(settings, environment, process_name=f"worker {number}"))
            for number in range(workers)
        ]
        async with asyncio.TaskGroup() as group:
            for bot in bots:
                group.create_task(bot.run(stop, choose_engine(bot, everything=True)))
            await until(is_ready or (lambda: world.heads() and len(world.slack.socket_mode.connections) == workers))
            yield Running(world=world, bot=bots[0], clock=clock)
            assert world.slack.socket_mode.offences == []
            stop.set()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.long])])
def each_database(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return SQLITE
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.new_database()


async def test_a_judgement_is_kept_once_and_may_be_changed_and_a_silence_keeps_back_what_it_names(
    tmp_path: Path, each_database: str
) -> None:
    async with running(tmp_path, each_database) as it:
        envelope = await it.press("noise")
        it.sockets.deliver(envelope)
        assert await asyncio.to_thread(it.sockets.is_acknowledged, envelope)
        await until(lambda: "Noise for BlackBerry in Pakistan" in it.text())
        [judgement] = await it.bot.store.read(lambda tx: tx.judgements.since(None))
        assert (judgement.by, judgement.verdict, judgement.rule) == ("U0AMINA", Verdict.NOISE, "BlackBerry in Pakistan")
        assert judgement.channel == "desk"

        await it.press("useful")
        await until(lambda: "Useful for BlackBerry in Pakistan" in it.text())
        assert "Noise for BlackBerry" not in it.text()
        judged = await it.bot.store.read(lambda tx: tx.judgements.since(None))
        assert [item.verdict for item in judged] == [Verdict.NOISE, Verdict.USEFUL]
        assert (await it.reasons())[-2:] == ["edit: judged", "edit: judged"]
        whispers = it.world.slack.workspace.whispers
        assert whispers[-1]["text"] == 'Useful for "BlackBerry in Pakistan".'

        await it.press("all", option="Silence in your channels for a day: BlackBerry in Pakistan")
        await until(lambda: "Nothing is posted" in whispers[-1]["text"])
        (silence,) = await it.bot.store.read(lambda tx: tx.silences.active(it.clock.now()))
        assert (silence.kind.value, silence.by) == ("rule", "amina")
        assert f'Nothing is posted about rule "{silence.name}" in desk until' in whispers[-1]["text"]
        command = whispers[-1]["blocks"][0]["elements"][0]["elements"][-1]
        assert command == {"type": "text", "text": f"/wirewatch silence end {silence.id}", "style": {"code": True}}
        await until(lambda: silence.id in str(it.world.slack.workspace.messages("ops")))
        await it.hear("wire", OTHER, decided="silent: silenced")
        assert len(it.world.heads()) == 1


async def test_an_outlet_that_tells_another_event_leaves_the_story_and_gets_a_message_of_its_own(
    tmp_path: Path, each_database: str
) -> None:
    async with running(tmp_path, each_database) as it:
        await it.hear("courier", SECOND, decided="edit: added outlet")
        await until(lambda: "courier" in it.text())
        option = next(item for item in it.options("all") if item.startswith("Different event: courier"))
        await it.press("all", option=option)
        await until(lambda: len(it.world.heads()) == 2)
        assert SECOND.title[:40] in it.text(1)
        await until(lambda: "courier" not in it.text())
        assert "1 article is about a different event" in str([decision.detail for decision in await it.decisions()])
        assert sorted([len(story.members) for story in await it.stories()]) == [1, 1]

        # A person's split counts: the next report of the event does not merge the two stories.
        await it.press("useful")
        assert len(await it.stories()) == 2


async def test_a_story_silenced_in_telegram_says_nothing_more_until_the_silence_ends(tmp_path: Path) -> None:
    with faulty.serve(telegram.BotApi()) as server:
        api = server.service
        keys = f'to: "{telegram.NEWS}", api_url: "{server.url}", pace: 0.01 seconds, buttons: true, may_act: "77"'
        desk = "  desk: {{kind: telegram, " + keys + ", token: env:PLACE}}"
        form = "".join(f"{desk if line.startswith('  desk:') else line}\n" for line in worlds.BOT.splitlines())
        ready = "BlackBerry"
        async with running(
            tmp_path,
            form=form,
            environ={"PLACE": telegram.TOKEN},
            is_ready=lambda: ready in str(api.messages()),
        ) as it:
            await it.until_recorded()
            api.press("More…", person=78, name="boss")
            await until(lambda: any("listed by the operator" in answer for answer in api.answers))
            api.press("More…")
            await until(lambda: "Silence this story here" in str(api.messages()))
            api.press("Silence this story here")
            await until(lambda: any("Nothing is posted about this story" in answer for answer in api.answers))
            await it.hear("courier", SECOND, decided="silent: silenced")
            assert "courier" not in str(api.messages())
            await until(lambda: "More…" in str(api.messages()))
            api.press("More…")
            await until(lambda: "End the silence of this story" in str(api.messages()))
            api.press("End the silence of this story")
            await until(lambda: "courier" in str(api.messages()))
