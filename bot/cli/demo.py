"""wirewatch demo: replay the example story with the real program, offline, in seconds."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from xml.sax.saxutils import escape

import msgspec
import typer
from msgspec.structs import replace

import bot
from bot import app, storage
from bot.aio import TaskGroup
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.jobs import Job, run_jobs
from bot.cli import logs, terminal
from bot.cli.init import init_line
from bot.cli.options import DEFAULT_CONFIG, ConfigDir
from bot.config.settings import HOME_VARIABLE
from bot.durations import format_count
from bot.model.channels import Channel
from bot.model.messages import SendState
from bot.pipeline.reports import PassReport
from bot.queries.stories import describe_decision


class DemoItem(msgspec.Struct, frozen=True, kw_only=True):
    """One article of the demo, with the time at which its feed lists it."""

    feed: str
    id: str
    at: datetime
    title: str
    text: str
    #: Text for the viewer: what happens, and why.
    note: str = ""


def document(feed: str, items: Sequence[DemoItem], origin: str) -> bytes:
    """Render the items as an RSS 2.0 feed, newest first."""
    items_xml = "".join(
        f"<item><title>{escape(item.title)}</title><guid isPermaLink='false'>{escape(item.id)}</guid>"
        f"<link>{origin}/{escape(feed)}/{escape(item.id)}</link><pubDate>{format_datetime(item.at)}</pubDate>"
        f"<description>{escape(item.text)}</description></item>"
        for item in sorted(items, key=lambda item: item.at, reverse=True)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{escape(feed)}</title>'
        f"<link>{origin}/</link><description>A feed of the demo</description>{items_xml}</channel></rss>"
    ).encode()


@asynccontextmanager
async def serving(items: Sequence[DemoItem]) -> AsyncIterator[str]:
    """Serve the items' feeds on this machine, and yield the server's address. Answer 304 if a feed is unchanged."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                name = lines[0].split(" ")[1].strip("/").removesuffix(".xml")
                published = [item for item in items if item.feed == name]
                body = document(name, published, origin)
                etag = f'"{sha256(body).hexdigest()[:16]}"'
                is_known = any(line.lower() == f"if-none-match: {etag}" for line in lines)
                status = "304 Not Modified" if is_known else "200 OK"
                body = b"" if is_known else body
                writer.write(
                    f"HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Type: application/rss+xml\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield origin


STORY = Path(bot.__file__).parent / "demo"


def demo(
    channel: Annotated[
        str | None, typer.Option(help="Post to this channel of your bot.yaml instead of the terminal.")
    ] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
    speed: Annotated[
        float, typer.Option(help="Maximum speed, in seconds of the story per second of real time.", min=1)
    ] = 80,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the demo's configuration and database in this folder.", metavar="DIR")
    ] = None,
) -> None:
    """Replay an example story with the real program.

    Reads local feeds. Needs no network and no account.

    Example: wirewatch demo --keep demo-data && wirewatch stories --config demo-data
    """
    logs.set_up(quiet=True)
    if keep is not None and keep.exists() and any(keep.iterdir()):
        terminal.fail(f"{keep} is not empty; choose a new folder", 2)
    place = keep or Path(tempfile.mkdtemp(prefix="wirewatch-demo-"))
    try:
        asyncio.run(_demo(place, folder, channel, speed))
    finally:
        if keep is None:
            shutil.rmtree(place, ignore_errors=True)


class _StoryClock:
    """A clock that starts with the story, runs at normal speed and jumps to each article."""

    def __init__(self, start: datetime) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = start
        self._begun = self._loop.time()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time() - self._begun)

    def jump(self, to: datetime) -> None:
        """Move the clock forward to ``to``, but never back."""
        self._start += max(to - self.now(), timedelta())

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, duration.total_seconds()))


async def _demo(place: Path, folder: Path, channel: str | None, speed: float) -> None:
    story = json.loads((STORY / "story.json").read_text(encoding="utf-8"))
    start = datetime.fromisoformat(story["start"])
    items = [DemoItem(at=start + timedelta(minutes=entry.pop("minute")), **entry) for entry in story["items"]]
    items.sort(key=lambda item: item.at)
    clock = _StoryClock(start)
    # Ignore WIREWATCH_HOME, because the demo must not use the database of the user's configuration.
    own = {name: value for name, value in os.environ.items() if name != HOME_VARIABLE}
    environment = app.Environment(environ=own, clock=clock, run_jobs=_run_jobs_often)
    published: list[DemoItem] = []
    async with serving(published) as origin:
        shutil.copytree(STORY / "config", place, dirs_exist_ok=True)
        feeds = place / "feeds.yaml"
        feeds.write_text(feeds.read_text(encoding="utf-8").replace("{origin}", origin), encoding="utf-8")
        settings = app.load(place, own)
        replaced = _users_channel(folder, channel, replace(environment, environ=os.environ)) if channel else {}
        terminal.say(
            "The example story runs in accelerated time. The lines between the messages show each article and each "
            "decision with its reason.\n"
        )
        async with runtime.opened(settings, environment, replaced=replaced, process_name="wirewatch demo") as running:
            stop = asyncio.Event()
            output = _DemoOutput(published)
            async with TaskGroup() as group:
                group.create_task(running.run(stop, choose_engine(running, output.on_pass, everything=True)))
                previous_at = items[0].at
                for item in items:
                    pause = asyncio.sleep((item.at - max(previous_at, start)).total_seconds() / speed)
                    await asyncio.gather(pause, _wait_until_posted(running.store, output))
                    previous_at = item.at
                    clock.jump(item.at)
                    published.append(item)
                await _wait_until_posted(running.store, output)
                stop.set()
            await _sum_up(running.store)


async def _run_jobs_often(jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Run the jobs four times as often as usual."""
    await run_jobs([replace(job, every=job.every / 4) for job in jobs], stop)


async def _wait_until_posted(store: storage.Store, output: _DemoOutput) -> None:
    """Wait until all published articles are decided and all messages are sent or have failed; show the articles."""

    def is_posted(tx: storage.Transaction) -> bool:
        messages = (row for row in tx.outbox.unsent() if row.state is not SendState.PARKED)
        are_decided = tx.articles.count() >= output.published_count and not tx.decision_queue.count()
        return are_decided and all(row.attempts and row.error for row in messages)

    while not (output.has_passed and await store.read(is_posted)):  # noqa: ASYNC110 - the store does not report changes
        await asyncio.sleep(0.1)
    # Show the articles of a pass that stored them but did not report them, because the database was busy.
    output.show_articles(output.published_count)


def _users_channel(folder: Path, name: str, environment: app.Environment) -> dict[str, Channel]:
    """Return the user's channel under the name of the demo's own channel, which it replaces."""
    settings = app.load(folder, environment.environ)
    if name not in settings.bot.channels:
        terminal.fail(
            f'no channel "{name}" in {folder}/bot.yaml; its channels are {", ".join(settings.bot.channels)}', 2
        )
    return {"alerts": app.channel_of(settings, name, environment)}


class _DemoOutput:
    """Prints each item on stderr, and each decision with its reason."""

    def __init__(self, published: Sequence[DemoItem]) -> None:
        self._published = published
        self._shown = 0
        #: Whether the first pass has ended. It only records existing articles, so no item may be published before.
        self.has_passed = False

    @property
    def published_count(self) -> int:
        """The number of articles in the feeds."""
        return len(self._published)

    def show_articles(self, count: int) -> None:
        """Show the first ``count`` published articles, except the ones that were shown before."""
        for item in self._published[self._shown : count]:
            self._shown += 1
            if item.note:
                self._say(f"{item.at:%H:%M}  {item.feed}: “{item.title}”")
                self._say(f"       {item.note}")

    def on_pass(self, report: PassReport) -> None:
        self.has_passed = True
        self.show_articles(self._shown + sum(feed.new for feed in report.feeds))
        for decision in report.decisions:
            self._say(f"       -> {describe_decision(decision)}")

    def _say(self, text: str) -> None:
        terminal.err().print(text, style="dim", markup=False)


async def _sum_up(store: storage.Store) -> None:
    counts = await store.read(lambda tx: tx.outbox.counts())
    stories = await store.read(lambda tx: tx.stories.since(None))
    articles = await store.read(lambda tx: tx.articles.count())
    sent = sum(count for (_, state), count in counts.items() if state is SendState.SENT)
    with suppress(BrokenPipeError):
        terminal.say(
            f"\n{format_count(articles, 'article')} arrived, {sum(len(s.members) for s in stories)} matched, "
            f"in {format_count(len(stories), 'story')}; {sent} messages, edits and replies were sent."
        )
        terminal.say(f"Next: {init_line()}")
