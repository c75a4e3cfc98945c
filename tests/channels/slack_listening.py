"""A channel's listener connected to a local Slack, and a stand-in for the app that it reports to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot import channels, model
from bot.testing import messages
from testbed.fakes import FakeClock
from testbed.servers import slack
from tests.channels.context import Secrets, build

TS = "1449046920.000100"


@dataclass(slots=True)
class Heard:
    """Stands in for the app: remembers, and answers as it is told."""

    presses: list[model.Press] = field(default_factory=list)
    changes: list[str | None] = field(default_factory=list)
    asked: list[model.ChatRequest] = field(default_factory=list)
    answer: model.Message = messages.NOTICE
    fails: bool = False
    #: Set: presses wait for it.
    gate: asyncio.Event | None = None

    async def on_press(self, press: model.Press) -> model.ActionResult:
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise model.StoreUnavailable("writing: the disk is full")
        self.presses.append(press)
        return model.ActionResult(text='Noise for "A & B <rule>".', command="silence end 3f2a9c01")

    async def on_change(self, reason: str | None) -> None:
        self.changes.append(reason)

    async def on_asked(self, asked: model.ChatRequest) -> model.Message:
        self.asked.append(asked)
        return self.answer


@dataclass(slots=True)
class Ear:
    server: slack.Server
    heard: Heard
    place: str
    secrets: Secrets
    listening: asyncio.Task[None]

    def press(self, verdict: str = "noise", story: str = "abc", **changes: object) -> str:
        button = {"type": "button", "action_id": f"wirewatch:{verdict}:{story}", "value": f"{verdict}:"}
        made = self.server.socket_mode.payload([button], channel=self.place, ts=TS, user="U0AMINA")
        return self.server.socket_mode.send({**made, **changes})

    async def is_acknowledged(self, envelope: str) -> bool:
        return await asyncio.to_thread(self.server.socket_mode.is_acknowledged, envelope)


async def until(is_so: Callable[[], Any]) -> None:
    """Waits for what must come; the test's own limit ends it."""
    while not is_so():  # noqa: ASYNC110 - what is waited for happens in a server of another thread
        await asyncio.sleep(0.01)


def listener(
    server: slack.Server, secrets: Secrets, *names: str, clock: FakeClock | None = None
) -> list[model.Listener]:
    made = [
        build(
            "slack",
            secrets=secrets,
            clock=clock or FakeClock(),
            to=f"#{name}",
            token="env:TOKEN",
            buttons=True,
            app_token="env:APP",
            api_url=server.api_url,
        )
        for name in names
    ]
    return list(channels.listeners(made))


@asynccontextmanager
async def ear(*, app_token: str = slack.APP_TOKEN) -> AsyncIterator[Ear]:
    with slack.serve() as server:
        place = server.workspace.add_channel("policy-alerts").id
        secrets = Secrets(TOKEN=slack.TOKEN, APP=app_token)
        [listens] = listener(server, secrets, "policy-alerts")
        heard = Heard()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(listens.listen(heard.on_press, heard.on_change, heard.on_asked))
            try:
                yield Ear(server=server, heard=heard, place=place, secrets=secrets, listening=task)
            finally:
                task.cancel()


@asynccontextmanager
async def connected() -> AsyncIterator[Ear]:
    async with ear() as found:
        await until(lambda: found.heard.changes == [None])
        await until(lambda: found.server.socket_mode.connections)
        yield found
        assert found.server.socket_mode.offences == []
