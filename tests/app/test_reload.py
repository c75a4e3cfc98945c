"""A reload of bot.yaml while the bot runs reaches the stages without a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot import app
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.model.errors import OutcomeUnknown
from bot.model.messages import SendState
from bot.model.stories import SendId
from tests.pipeline.outbox_rows import REDUCED, FakeChannel, row
from tests.testbed import configs, fresh

BOT = "database: sqlite:///{folder}/wirewatch.db\nchannels: {{alerts: {{kind: console}}}}\nfetch: {{readers: 0}}\n"


async def test_a_message_of_unknown_outcome_is_treated_as_the_reloaded_setting_says(tmp_path: Path) -> None:
    fresh.archive(tmp_path / "wirewatch.db")
    bot = BOT.format(folder=tmp_path)
    folder = configs.write(tmp_path / "config", bot=bot)
    environment = app.Environment(environ={})
    channel = FakeChannel(environment.clock, name="alerts", abilities=REDUCED)
    settings = app.load(folder, environment.environ)
    async with runtime.opened(settings, environment, replaced={"alerts": channel}) as running:

        async def send(name: str) -> tuple[SendState, str]:
            """Return the state in which the message ends, and its error."""
            sent = row(name, channel="alerts", at=running.clock.now())
            await running.store.write(lambda tx: tx.outbox.add([sent]))
            while True:
                ended = (await running.store.read(lambda tx: tx.outbox.get([SendId(name)])))[SendId(name)]
                if ended.state in (SendState.DROPPED, SendState.SENT):
                    return ended.state, ended.error or ""
                await asyncio.sleep(0.02)

        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(running.run(stop, choose_engine(running)))
            assert await send("before the reload") == (SendState.SENT, "")
            configs.write(folder, bot=f"{bot}on_unknown: at_most_once\n")
            await running.reload(app.load(folder, {}))
            channel.after.append(OutcomeUnknown("the connection was lost"))
            _, error = await send("first")
            stop.set()
    assert "at_most_once" in error
    assert channel.ids == ["before the reload", "first"]
