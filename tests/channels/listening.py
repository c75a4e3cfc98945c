"""Listeners of channels connected to local servers, and a fake app that they report to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot import channels
from bot.model.actions import ShowMenu
from bot.model.channels import ActionResult, ChatMessage, ChatRequest, Listener, Press
from bot.model.errors import StoreUnavailable
from bot.model.messages import Message
from bot.testing import messages
from tests.channels.context import Secrets, build
from tests.testbed.fakes import FakeClock
from tests.testbed.servers import slack

TS = "1449046920.000100"


@dataclass(slots=True)
class FakeApp:
    """Remembers what it receives, and gives the answers that a test sets."""

    presses: list[Press] = field(default_factory=list)
    #: Each reason why a listener receives nothing; None: it receives again.
    changes: list[str | None] = field(default_factory=list)
    asked: list[ChatRequest] = field(default_factory=list)
    answer: Message = messages.NOTICE
    result: ActionResult = field(
        default_factory=lambda: ActionResult(text='Noise for "A & B <rule>".', command="silence end 3f2a9c01")
    )
    fails: bool = False
    #: If set, presses wait for it.
    gate: asyncio.Event | None = None

    async def on_press(self, press: Press) -> ActionResult:
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise StoreUnavailable("writing: the disk is full")
        self.presses.append(press)
        return ActionResult(post=messages.GROWN) if isinstance(press.action, ShowMenu) else self.result

    async def on_change(self, reason: str | None) -> None:
        self.changes.append(reason)

    async def on_asked(self, asked: ChatRequest) -> list[ChatMessage]:
        self.asked.append(asked)
        return [ChatMessage(message=self.answer)]


async def until(is_so: Callable[[], Any]) -> None:
    """Wait for what must happen; the test's own limit ends the wait."""
    while not is_so():  # noqa: ASYNC110 - it happens in a server of another thread
        await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(listener: Listener, app: FakeApp) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.listen(app.on_press, app.on_change, app.on_asked))
        try:
            yield task
        finally:
            task.cancel()


@dataclass(slots=True)
class SlackApp:
    """A Slack app whose listener is connected to a local Slack."""

    server: slack.Server
    app: FakeApp
    place: str
    secrets: Secrets
    listening: asyncio.Task[None]

    def press(self, verdict: str = "noise", *, user: str = "U0AMINA", **changes: Any) -> str:
        button = {"type": "button", "action_id": f"wirewatch:{verdict}:abc", "value": f"{verdict}:"}
        payload = self.server.socket_mode.payload([button], channel=self.place, ts=TS, user=user)
        return self.server.socket_mode.send({**payload, **changes})

    async def is_acknowledged(self, envelope: str) -> bool:
        return await asyncio.to_thread(self.server.socket_mode.is_acknowledged, envelope)


def slack_listeners(
    server: slack.Server, secrets: Secrets, *names: str, clock: FakeClock | None = None, **keys: Any
) -> list[Listener]:
    keys = {"token": "env:TOKEN", "buttons": True, "app_token": "env:APP", "api_url": server.api_url, **keys}
    clock = clock or FakeClock()
    created = [build("slack", secrets=secrets, clock=clock, to=f"#{name}", **keys) for name in names]
    return list(channels.listeners(created))


@asynccontextmanager
async def slack_app(*, app_token: str = slack.APP_TOKEN, **keys: Any) -> AsyncIterator[SlackApp]:
    with slack.serve() as server:
        place = server.workspace.add_channel("policy-alerts").id
        secrets, app = Secrets(TOKEN=slack.TOKEN, APP=app_token), FakeApp()
        [listener] = slack_listeners(server, secrets, "policy-alerts", **keys)
        async with listening(listener, app) as task:
            yield SlackApp(server=server, app=app, place=place, secrets=secrets, listening=task)


@asynccontextmanager
async def connected(**keys: Any) -> AsyncIterator[SlackApp]:
    async with slack_app(**keys) as it:
        await until(lambda: it.app.changes == [None])
        await until(lambda: it.server.socket_mode.connections)
        yield it
        assert it.server.socket_mode.offences == []
