"""wirewatch demo: the whole job on the example story, offline, in seconds."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

import bot
from bot import app, model, pipeline, ports
from bot.answers import telling
from bot.cli import logs, terminal
from bot.cli.demo_server import Item, serving
from bot.cli.options import DEFAULT_CONFIG, ConfigDir
from bot.ports.tasks import TaskGroup

STORY = Path(bot.__file__).parent / "demo"
#: How long the end waits for articles that are late.
PATIENCE = timedelta(seconds=20)


def demo(
    channel: Annotated[
        str | None, typer.Option(help="Post to this channel of your bot.yaml instead of the terminal.")
    ] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
    speed: Annotated[float, typer.Option(help="Seconds of the story per second of real time.", min=1)] = 60,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the demo's configuration and database in this folder.", metavar="DIR")
    ] = None,
) -> None:
    """Replay an example story with the real program.

    Fetch, rules, stories and outbox run as usual; no network, no token.

    Example: wirewatch demo --keep demo-data && wirewatch stories --config demo-data
    """
    logs.set_up(quiet=True)
    if keep is not None and keep.exists() and any(keep.iterdir()):
        terminal.fail(f"{keep} is not empty; name a new folder", 2)
    place = keep or Path(tempfile.mkdtemp(prefix="wirewatch-demo-"))
    try:
        asyncio.run(_demo(place, folder, channel, speed))
    finally:
        if keep is None:
            shutil.rmtree(place, ignore_errors=True)


class _StoryClock:
    """The story's time: from ``begin`` on it runs ``speed`` times as fast as ours; before, it is the first minute."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    def begin(self) -> None:
        """The story starts; however long the bot's own start took, none of the story is over."""
        self._began = self._loop.time()

    def now(self) -> datetime:
        passed = 0.0 if self._began is None else self._loop.time() - self._began
        return self._start + timedelta(seconds=passed * self._speed)

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, duration.total_seconds()) / self._speed)


async def _demo(place: Path, folder: Path, channel: str | None, speed: float) -> None:
    story = json.loads((STORY / "story.json").read_text(encoding="utf-8"))
    start = datetime.fromisoformat(story["start"])
    items = [_item(start, entry) for entry in story["items"]]
    clock = _StoryClock(start, speed)
    # What WIREWATCH_… sets is for the user's configuration: its database is no place for the demo.
    own = {name: value for name, value in os.environ.items() if not name.startswith("WIREWATCH_")}
    environment = app.Environment(environ=own, clock=clock)
    async with serving(items, clock) as origin:
        _write_config(place, origin)
        settings = app.load(place, own)
        replaced = _users_channel(folder, channel, replace(environment, environ=os.environ)) if channel else {}
        terminal.say(
            "The example story in accelerated time. The lines between the messages show each article and each "
            "decision with its reason.\n"
        )
        async with app.opened(settings, environment, replaced=replaced, process_name="wirewatch demo") as running:
            clock.begin()  # on a slow machine the start took minutes of the story
            stop = asyncio.Event()
            teller = _Teller(items, clock)
            async with TaskGroup() as group:
                group.create_task(running.run(stop, everything=True, on_pass=teller.on_pass))
                await clock.sleep(timedelta(minutes=story["minutes"]))
                await _until_read(running.store, len(items))
                stop.set()
            await _sum_up(running.store)


async def _until_read(store: ports.Store, count: int) -> None:
    """On a busy machine the last article may still be on its way when its time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while await store.read(lambda tx: tx.articles.count()) < count:  # noqa: ASYNC110 - the store rings no bell
                await asyncio.sleep(0.1)


def _item(start: datetime, entry: dict[str, object]) -> Item:
    return Item(
        feed=str(entry["feed"]),
        id=str(entry["id"]),
        at=start + timedelta(minutes=float(str(entry["minute"]))),
        title=str(entry["title"]),
        text=str(entry["text"]),
        note=str(entry.get("note", "")),
    )


def _write_config(place: Path, origin: str) -> None:
    shutil.copytree(STORY / "config", place, dirs_exist_ok=True)
    feeds = place / "feeds.yaml"
    feeds.write_text(feeds.read_text(encoding="utf-8").replace("{origin}", origin), encoding="utf-8")


def _users_channel(folder: Path, name: str, environment: app.Environment) -> dict[str, ports.Channel]:
    """The demo's one channel, standing on a channel of the user's own configuration."""
    settings = app.load(folder, environment.environ)
    if name not in settings.bot.channels:
        terminal.fail(f'no channel "{name}" in {folder}/bot.yaml. Known: {", ".join(settings.bot.channels)}', 2)
    return {"alerts": app.channel_of(settings, name, environment)}


class _Teller:
    """Says on stderr what each item brought and why."""

    def __init__(self, items: Sequence[Item], clock: ports.Clock) -> None:
        self._waiting = sorted(items, key=lambda item: item.at)
        self._clock = clock

    def on_pass(self, report: pipeline.PassReport) -> None:
        now = self._clock.now()
        seen = [item for item in self._waiting if item.at <= now] if any(f.new for f in report.feeds) else []
        for item in seen:
            self._waiting.remove(item)
            if item.note:
                self._say(f"{item.at:%H:%M}  {item.feed}: “{item.title}”")
                self._say(f"       {item.note}")
        for decision in report.decisions:
            self._say(f"       -> {telling.decision(decision)}")

    def _say(self, text: str) -> None:
        terminal.err().print(text, style="dim", markup=False)


async def _sum_up(store: ports.Store) -> None:
    counts = await store.read(lambda tx: tx.outbox.counts())
    stories = await store.read(lambda tx: tx.stories.since(None))
    articles = await store.read(lambda tx: tx.articles.count())
    sent = sum(count for (_, state), count in counts.items() if state is model.SendState.SENT)
    with suppress(BrokenPipeError):
        terminal.say(
            f"\n{model.counted(articles, 'article')} came, {sum(len(s.members) for s in stories)} matched, "
            f"in {model.counted(len(stories), 'story')}; {sent} messages, edits and replies were sent."
        )
        terminal.say("Next: wirewatch init my-config, then edit my-config/rules/.")
