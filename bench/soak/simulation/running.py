"""Run the real application over a simulated world: configuration, database, rules and decisions."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bench.soak.simulation import clockwork, network
from bench.soak.simulation.witness import Lateness, Witness
from bench.soak.simulation.world import World
from bot import app, storage
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.runtime import App
from bot.durations import Clock
from bot.model.channels import Abilities, CheckLine, Delivery
from bot.model.messages import Receipt
from bot.pipeline import send
from bot.pipeline.reports import FeedReport

RULES = Path(__file__).with_name("rules.yaml")
EVERY = timedelta(minutes=5)
PER_HOST = 2
#: Told a step's number; False: enough.
Look = Callable[[int], Awaitable[bool]]


class CountingChannel:
    """Takes every message at once, keeps none."""

    account = "counting"
    abilities = Abilities(threads=True, edits=True, lookup=True)
    pace = timedelta(seconds=1)

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.count = 0
        self._clock = clock

    async def send(self, delivery: Delivery) -> Receipt:
        self.count += 1
        return Receipt(ref=str(self.count), place=self.name, sent_at=self._clock.now())

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        return None

    async def check(self) -> Sequence[CheckLine]:
        return ()

    async def close(self) -> None:
        pass


@dataclass(slots=True, kw_only=True)
class Seen:
    """Figures from the application's own log."""

    since: float
    #: Time from a feed's due time until its response was stored.
    lateness: Lateness = field(default_factory=Lateness)
    parsed: int = 0
    new: int = 0
    matched: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    running: App
    clock: clockwork.LoopClock
    witness: Witness
    seen: Seen
    channel: CountingChannel

    async def run(self, duration: timedelta, *, each: timedelta | None = None, look: Look | None = None) -> None:
        """All that ``wirewatch run`` does, for so long in fake time; ``look`` is told each step's number."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.running.run(stop, choose_engine(self.running)))
            step = each or duration
            for number in range(1, int(duration / step) + 1):
                await self.clock.sleep(self.clock.start + number * step - self.clock.now())
                if look is not None and not await look(number):
                    break
            stop.set()

    async def rows(self, tables: Sequence[str]) -> Mapping[str, int]:
        """Return the number of rows of each table."""

        def count(tx: storage.Transaction) -> Mapping[str, int]:
            # The largest rowid of a table that is only added to would be wrong where rows are let go.
            query = tx.connection.exec_driver_sql
            return {name: query(f"SELECT count(*) FROM {name}").scalar_one() for name in tables}

        return await self.running.store.write(count)


@contextmanager
def place() -> Iterator[Path]:
    """A new folder in memory where there is such a place: a disk's waits are real time, which is not measured here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "config"


def configure(folder: Path, world: World, *, keep: str | None = None) -> None:
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "desk.yaml").write_text(RULES.read_text())
    (folder / "feeds.yaml").write_text("feeds:\n" + "".join(f"  - {feed.url}\n" for feed in world.feeds))
    (folder / "bot.yaml").write_text(
        f"database: sqlite:///{folder}/wirewatch.db\nchannels: {{alerts: {{kind: console}}}}\noperator: alerts\n"
        f"fetch: {{every: {EVERY.seconds // 60} minutes, per_host: {PER_HOST}, readers: 0}}\n"
        f"stories: {{window: 2 days}}\n" + (f"keep: {keep}\n" if keep else "")
    )


@asynccontextmanager
async def opened(folder: Path, world: World, *, tick: timedelta, since: float = 0) -> AsyncIterator[Simulation]:
    """Over the configuration of ``folder``; inside ``clockwork.run`` only. Counts from ``since`` on."""
    loop = asyncio.get_running_loop()
    clock = clockwork.LoopClock(world.start, loop)
    witness, seen, channel = (
        Witness(world, per_host=PER_HOST, since=since),
        Seen(since=since),
        CountingChannel("alerts", clock),
    )
    settings = app.load(folder, {})
    environment = app.Environment(
        environ={},
        clock=clock,
        fetcher=network.client(network.Network(world, witness), settings.bot.fetch, clock),
        run_jobs=partial(clockwork.run_jobs, at_least=tick),
    )

    def on_feed(report: FeedReport) -> None:
        if loop.time() < seen.since:
            return
        seen.lateness.add(report.lateness.total_seconds())
        seen.parsed += report.is_changed
        seen.new += report.new
        seen.matched += report.matched

    async with runtime.opened(settings, environment, on_feed=on_feed, replaced={"alerts": channel}) as running:
        with _idle_sender_looks(tick):
            yield Simulation(running=running, clock=clock, witness=witness, seen=seen, channel=channel)


@contextmanager
def _idle_sender_looks(every: timedelta) -> Iterator[None]:
    """Two looks a second into an empty outbox would be most of a simulation's real time."""
    before, send.POLL = send.POLL, every
    try:
        yield
    finally:
        send.POLL = before
