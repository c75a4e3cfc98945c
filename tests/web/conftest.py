"""A real page over a real store that the real pipeline has filled, also with what hostile feeds say."""

from __future__ import annotations

import asyncio
import functools
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot import app, config
from bot.app import runtime
from bot.app.runtime import App
from bot.model.access import Secret
from bot.model.settings import TokenScope
from bot.storage import keys
from bot.web import server
from tests.journeys.world import RULES, TOKEN_VARIABLE, world
from tests.testbed.fakes import START, FakeClock
from tests.testbed.servers import slack
from tests.web.made import COVERAGE, HOSTILE, OTHER_RULES

TOKEN = "a token of the page"
PUBLIC_URL = "https://watch.example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One running page and its bot."""

    running: App
    site: server.Site
    clock: FakeClock
    folder: Path

    async def get(
        self, path: str, *, headers: dict[str, str] | None = None, params: dict[str, str] | None = None
    ) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.site.url, timeout=300) as client:
            return await client.get(path, headers=headers, params=params)

    async def tick(self) -> None:
        """Record a sign of life, as a running bot does each second."""
        now = self.clock.now()
        await self.running.store.write(lambda tx: keys.TICK.put(tx, now))


#: Name of a program -> its token in the environment, and what it may.
TOKENS = {
    "reads": config.WebToken(token=Secret.parse("env:READS_TOKEN"), may=TokenScope.READ),
    "acts": config.WebToken(token=Secret.parse("env:ACTS_TOKEN"), may=TokenScope.ACT),
}
READS, ACTS = "a token that reads", "a token that acts"


def listening(*, has_token: bool = False, has_tokens: bool = False) -> config.WebSettings:
    secret = Secret.parse("env:PAGE_TOKEN") if has_token else None
    return config.WebSettings(listen="127.0.0.1:0", token=secret, tokens=TOKENS if has_tokens else {})


@asynccontextmanager
async def page_over(
    folder: Path,
    settings: config.WebSettings | None = None,
    *,
    started: timedelta = timedelta(minutes=101),
) -> AsyncIterator[Page]:
    clock = FakeClock(START + started)
    environ = {TOKEN_VARIABLE: slack.TOKEN, "PAGE_TOKEN": TOKEN, "READS_TOKEN": READS, "ACTS_TOKEN": ACTS}
    environment = app.Environment(environ=environ, clock=clock)
    async with runtime.opened(app.load(folder, environment.environ), environment) as running:
        site = server.open_site(running, settings or listening(), environment.environ)
        running.add_observer(site.metrics)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(site.serve(stop))
            try:
                yield Page(running=running, site=site, clock=clock, folder=folder)
            finally:
                stop.set()


async def fill(folder: Path) -> None:
    """Feeds that are well, one that is broken, stories, messages, and a rule with a problem."""
    async with world(folder) as setup:
        setup.configure(*COVERAGE, "hostile", "broken", rules=RULES + OTHER_RULES)
        await setup.once()
        for outlet, item in COVERAGE.items():
            setup.publish(outlet, item)
            await setup.once(minutes=30)
        setup.publish("hostile", *HOSTILE)
        setup.outlets.serve("/broken.xml", b"<html><body>not a feed</body></html>")
        await setup.once()
    feeds = folder / "feeds.yaml"
    feeds.write_text(feeds.read_text().replace("name: hostile,", "name: hostile, tags: [animals],"))


@pytest.fixture(scope="session")
def filled_once() -> Path:
    """A configuration and its database, made once in a process, also for other folders' tests."""
    return Path(_fill_once().name) / "config"


@functools.cache
def _fill_once() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    (Path(folder.name) / "config").mkdir()
    asyncio.run(fill(Path(folder.name) / "config"))
    return folder


def copied(source: Path, folder: Path) -> Path:
    shutil.copytree(source, folder)
    bot = (folder / "bot.yaml").read_text().replace(str(source), str(folder))
    (folder / "bot.yaml").write_text(bot)
    return folder


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> Path:
    """A configuration and its database, which a test may change."""
    return copied(filled_once, tmp_path / "config")


@contextmanager
def served(folder: Path, settings: config.WebSettings) -> Iterator[Page]:
    """Serve a page in a separate loop, for all tests that only read it."""
    opened: Future[Page] = Future()
    is_over = threading.Event()

    async def serve() -> None:
        async with page_over(folder, settings) as page:
            await page.tick()
            opened.set_result(page)
            await asyncio.to_thread(is_over.wait)

    with ThreadPoolExecutor(1) as thread:
        serving = thread.submit(asyncio.run, serve())
        # If the page cannot be opened, the error is the result of serving it.
        serving.add_done_callback(lambda done: None if opened.done() else opened.set_exception(done.exception()))
        yield opened.result()
        is_over.set()
        serving.result()


@pytest.fixture(scope="session")
def shared(filled_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page without a token, to be read only. Programs have tokens."""
    folder = copied(filled_once, tmp_path_factory.mktemp("shared") / "config")
    with served(folder, listening(has_tokens=True)) as page:
        yield page


@pytest.fixture(scope="session")
def guarded(filled_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page with a token and a public address, to be read only. Programs have tokens too."""
    folder = copied(filled_once, tmp_path_factory.mktemp("guarded") / "config")
    with (folder / "bot.yaml").open("a") as file:
        file.write(f"web: {{listen: '127.0.0.1:0', token: env:PAGE_TOKEN, public_url: '{PUBLIC_URL}'}}\n")
    with served(folder, listening(has_token=True, has_tokens=True)) as page:
        yield page


@pytest.fixture
async def page(filled: Path) -> AsyncIterator[Page]:
    async with page_over(filled) as opened:
        await opened.tick()
        yield opened
