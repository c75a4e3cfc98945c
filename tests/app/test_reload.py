"""A reload of bot.yaml while the bot runs: every change reaches the stages without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bot import app, storage
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.model.errors import ChannelClosed, OutcomeUnknown
from bot.model.messages import Outgoing, SendState
from bot.model.stories import SendId
from tests.pipeline.outbox_rows import REDUCED, FakeChannel, row
from tests.testbed import configs, fresh
from tests.testbed.shown import lead_of

BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels: {{alerts: {{kind: console}}, ops: {{kind: console}}}}
fetch: {{readers: 0}}
"""


@dataclass(slots=True)
class Desk:
    """A running bot with two channels."""

    running: runtime.App
    alerts: FakeChannel
    ops: FakeChannel
    folder: Path

    async def reload(self, keys: str) -> None:
        bot = BOT.format(folder=self.folder) + keys
        folder = configs.write(self.folder / "config", bot=bot)
        await self.running.reload(app.load(folder, {}))

    async def send(self, name: str) -> None:
        at = self.running.clock.now()
        await self.running.store.write(lambda tx: tx.outbox.add([row(name, channel="alerts", at=at)]))

    async def row_when(self, holds: Callable[[Outgoing], bool]) -> Outgoing:
        """Return the first row for which ``holds`` is true: an unsent row, or one that a channel has shown."""
        while True:
            shown = [SendId(send_id) for send_id in (*self.alerts.ids, *self.ops.ids)]
            rows = await self.running.store.read(partial(_rows, shown=shown))
            if row := next(filter(holds, rows), None):
                return row
            await asyncio.sleep(0.02)


def _rows(tx: storage.Transaction, shown: list[SendId]) -> list[Outgoing]:
    return [*tx.outbox.get(shown).values(), *tx.outbox.unsent()]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    fresh.archive(tmp_path / "wirewatch.db")
    folder = configs.write(tmp_path / "config", bot=BOT.format(folder=tmp_path))
    environment = app.Environment(environ={})
    clock = environment.clock
    alerts = FakeChannel(clock, name="alerts", abilities=REDUCED)
    ops = FakeChannel(clock, name="ops")
    settings = app.load(folder, environment.environ)
    async with runtime.opened(settings, environment, replaced={"alerts": alerts, "ops": ops}) as running:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(running.run(stop, choose_engine(running)))
            running_desk = Desk(running, alerts, ops, tmp_path)
            await running_desk.send("before the reload")
            await running_desk.row_when(lambda row: row.state is SendState.SENT)
            yield running_desk
            stop.set()


@pytest.mark.long
async def test_a_notice_about_a_closed_channel_goes_to_the_operator_that_a_reload_named(desk: Desk) -> None:
    desk.alerts.outage = lambda: ChannelClosed("the token was revoked")
    await desk.reload("operator: ops\n")
    await desk.send("first")
    notice = await desk.row_when(lambda row: lead_of(row.message).startswith("Channel alerts is closed"))
    assert notice.channel == "ops"


async def test_a_message_of_unknown_outcome_is_treated_as_the_reloaded_setting_says(desk: Desk) -> None:
    await desk.reload("on_unknown: at_most_once\n")
    desk.alerts.after.append(OutcomeUnknown("the connection was lost"))
    await desk.send("first")
    ended = (SendState.DROPPED, SendState.SENT)
    row = await desk.row_when(lambda row: row.id == "first" and row.state in ended)
    assert "at_most_once" in (row.error or "")
    assert desk.alerts.ids == ["before the reload", "first"]
