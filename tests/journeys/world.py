"""A small world for a journey: outlets on a real server, a strict local Slack, and the application between them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import escape

from bot import app, storage
from bot.app import runtime
from bot.app.runtime import App, OnceReport
from bot.model.actions import Action
from bot.model.alerts import Decision
from bot.model.channels import Person, Press
from bot.model.stories import Story
from bot.pipeline import actions
from tests.testbed import commands, fresh
from tests.testbed.fakes import START, FakeClock
from tests.testbed.servers import slack
from tests.testbed.servers.feeds import FeedServer

T = TypeVar("T")

TOKEN_VARIABLE = "SLACK_BOT_TOKEN"

BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels:
  desk: {{kind: slack, to: "#policy-alerts", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.01 seconds}}
  ops: {{kind: slack, to: "#ops", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.01 seconds}}
operator: ops
fetch: {{every: 5 minutes, readers: 0, allow_private: [127.0.0.0/8]}}
"""

RULES = """\
sets:
  blackberry_server: [BES, BlackBerry Enterprise Serv*]
rules:
  - name: BlackBerry in Pakistan
    all:
      product:   [$blackberry_server, BlackBerry]
      regulator: [PTA, Pakistan Telecommunication Authority]
      demand:    [backdoor*, back door*, lawful access, unfettered access]
    none: [parent teacher association]
    notify: desk
    severity: high
    must_match: ["BlackBerry quits Pakistan after PTA sought backdoor into BES"]
    must_not_match: ["School PTA meeting: enter by the back door"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    id: str
    title: str
    text: str = ""
    at: datetime = START
    link: str | None = None


def rss(outlet: str, *items: Item) -> bytes:
    text = "".join(
        f"<item><title>{escape(i.title)}</title><guid isPermaLink='false'>{escape(i.id)}</guid>"
        f"<link>{escape(f'https://{outlet}.example/{i.id}' if i.link is None else i.link)}</link>"
        f"<pubDate>{format_datetime(i.at)}</pubDate><description>{escape(i.text)}</description></item>"
        for i in items
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{outlet}</title>'
        f"<link>https://{outlet}.example/</link><description>d</description>{text}</channel></rss>"
    ).encode()


def as_text(message: Any) -> str:
    """Return a message, or a part of one, as JSON, with every letter as itself."""
    return json.dumps(message, ensure_ascii=False)


@dataclass(slots=True, kw_only=True)
class World:
    folder: Path
    #: The database's address, or None for a file in the folder.
    database: str | None = None
    outlets: FeedServer
    slack: slack.Server
    clock: FakeClock = field(default_factory=FakeClock)
    environ: dict[str, str] = field(default_factory=lambda: {TOKEN_VARIABLE: slack.TOKEN})
    #: Whether each pass opens a new application. Otherwise one stays open as long as its configuration is the same.
    restarts: bool = False
    _running: App | None = field(default=None, init=False)
    #: Closes the application that stays open.
    _closing: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    #: The configuration that it was opened with.
    _opened_with: object = field(default=None, init=False)

    @property
    def address(self) -> str:
        """The database's address."""
        return self.database or f"sqlite:///{self.folder}/wirewatch.db"

    def configure(self, *outlets: str, rules: str = RULES, bot: str = BOT, feed_keys: str = "") -> None:
        (self.folder / "rules").mkdir(parents=True, exist_ok=True)
        text = bot.format(folder=self.folder, slack=self.slack.api_url)
        if self.database is not None:
            text = text.replace(f"sqlite:///{self.folder}/wirewatch.db", self.database)
        elif not (file := self.folder / "wirewatch.db").exists():
            fresh.archive(file)
        if "\nstories:" not in text:
            # The stories of these tests are made for a likeness of words, and an encoder takes half a second to load.
            text += "stories: {meaning: off}\n"
        (self.folder / "bot.yaml").write_text(text)
        keys = f", {feed_keys}" if feed_keys else ""
        lines = [
            f'  - {{url: "{self.outlets.url(f"/{name}.xml")}", name: {name}, owner: {name}{keys}}}' for name in outlets
        ]
        (self.folder / "feeds.yaml").write_text("feeds:\n" + "\n".join(lines) + "\n")
        (self.folder / "rules" / "desk.yaml").write_text(rules)
        for name in outlets:
            self.publish(name)

    def publish(self, outlet: str, *items: Item) -> None:
        self.outlets.serve(f"/{outlet}.xml", rss(outlet, *items))

    async def poll(self, outlet: str, *items: Item, minutes: float = 5) -> OnceReport:
        """Publish, then poll every feed once."""
        self.publish(outlet, *items)
        return await self.once(minutes=minutes)

    async def once(self, *, minutes: float = 5) -> OnceReport:
        """Poll every feed once, ``minutes`` after the last pass."""
        self.clock.advance(timedelta(minutes=minutes))
        configuration = [(path, path.read_bytes()) for path in sorted(self.folder.rglob("*.yaml"))]
        opened_with = configuration, dict(self.environ)
        if self._running is None or self._opened_with != opened_with:
            await self.close()
            self._running = await self._closing.enter_async_context(self._open())
            self._opened_with = opened_with
        stays_open = False
        try:
            report = await self._running.once(everything=True, drain=timedelta(seconds=60))
            stays_open = not self.restarts
        finally:
            if not stays_open:
                await self.close()
        return report

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[App]:
        """Open a new application."""
        await self.close()
        async with self._open() as running:
            yield running

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[App]:
        environment = self.environment()
        async with runtime.opened(app.load(self.folder, environment.environ), environment) as running:
            yield running

    async def close(self) -> None:
        """Close the application of the last pass, so that another process can own the database."""
        self._running = None
        await self._closing.aclose()

    def environment(self) -> app.Environment:
        return app.Environment(environ=self.environ, clock=self.clock)

    async def call(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command with this configuration."""
        words = (*words, "--config", str(self.folder))
        return await asyncio.to_thread(partial(commands.call, *words, folder=self.folder, code=code, **self.environ))

    async def press(self, action: Action, story: Story) -> None:
        """Press a button under the story's message in the channel of the rules."""
        rows = await self.read(lambda tx: tx.outbox.of_story(story.id))
        receipt = next(row.receipt for row in rows if row.channel == "desk" and row.receipt)
        person = Person(id="U0AMINA", name="Amina")
        press = Press(id="p1", person=person, action=action, story=story.id, place=receipt.place, ref=receipt.ref)
        act = partial(actions.apply_press, pressed=press, channels=["desk"])
        async with self.opened() as running:
            await actions.carry_out(running.store, running.settings, act, now=self.clock.now())

    def heads(self, channel: str = "policy-alerts") -> list[Mapping[str, Any]]:
        return [m for m in self.slack.workspace.messages(channel) if "thread_ts" not in m]

    def replies(self, channel: str = "policy-alerts") -> list[Mapping[str, Any]]:
        return [m for m in self.slack.workspace.messages(channel) if "thread_ts" in m]

    async def read(self, work: Callable[[storage.Transaction], T]) -> T:
        """Read from the database, even if a process has it open."""
        store = storage.open_store(self.address, clock=self.clock, read_only=True)
        try:
            return await store.read(work)
        finally:
            await store.close()

    async def stories(self) -> list[Story]:
        return list(await self.read(lambda tx: tx.stories.since(None)))

    async def decisions(self, story: Story) -> list[Decision]:
        return list(await self.read(lambda tx: tx.stories.decisions(story.id)))


@asynccontextmanager
async def world(folder: Path, database: str | None = None, *, restarts: bool = False) -> AsyncIterator[World]:
    async with FeedServer() as outlets:
        with slack.serve() as server:
            for name in ("policy-alerts", "ops", "second"):
                server.workspace.add_channel(name)
            opened = World(folder=folder, outlets=outlets, slack=server, database=database, restarts=restarts)
            try:
                yield opened
            finally:
                await opened.close()


@asynccontextmanager
async def watching(folder: Path, *outlets: str, **keys: str) -> AsyncIterator[World]:
    """A world that has polled its outlets once, so that what they publish from now on is news."""
    async with world(folder) as opened:
        opened.configure(*outlets, **keys)
        await opened.once()
        yield opened
