"""Several real ``wirewatch run`` over one PostgreSQL, killed with SIGKILL at random moments and started again.

Some stories are poison: our code raises on them while they are parsed, matched, decided, read or sent
(tests/testbed/faults). The test shows that every feed is polled again within two of its intervals, however often a
worker dies; each good story has one message; nothing is sent twice; exactly the poison is in quarantine; killed
workers are no longer listed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.crash.storm import lost_and_doubled, new_words, poisoned, story
from tests.journeys.world import Item, rss
from tests.testbed import configs, faults
from tests.testbed.faults import spoiling
from tests.testbed.servers import slack
from tests.testbed.servers.feeds import FeedServer
from tests.testbed.servers.postgres import Server, name_of

pytestmark = pytest.mark.postgres

OUTLETS = ("north", "south", "east")
DESK = "kettles"
BOT = """\
database: {database}
channels:
  kettles: {{kind: faulty, to: "#kettles", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.02 seconds}}
operator: kettles
posts_per_hour: 3600
fetch: {{every: {every} seconds, per_host: 32, readers: 0, allow_private: [127.0.0.0/8]}}
stories: {{meaning: "off"}}  # The invented reports differ in nothing but names.
"""
RULES = """\
rules:
  - {name: Recalls, all: {what: [recalls], of: [kettles, heaters, lamps, toasters]}, skip: [opinion], notify: kettles}
"""


@dataclass(slots=True)
class Outcome:
    kills: int = 0
    #: Feeds that were not polled for more than two intervals.
    missed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    #: The words of the poison that was published, and of what is in quarantine.
    poison: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)


class Flock:
    def __init__(self, folder: Path, database: Server, *, workers: int, feeds: int, every: timedelta) -> None:
        self._folder = folder
        self._database = database
        self._address = database.new_database()
        self._every = every
        self._rng = random.Random(20151202)
        self._words = new_words(random.Random(20151202))
        self._stories: list[tuple[Item, ...]] = []
        self._names: list[str] = []
        self._poison: list[Item] = []
        self._quiet = [f"/quiet/{number}" for number in range(feeds - len(OUTLETS))]
        self._workers: dict[int, asyncio.subprocess.Process] = {}
        self._killed: list[int] = []
        self._worker_count = workers
        self._feed_count = feeds
        self.outcome = Outcome()

    async def live(self, *, kills: int, stories: int, pause: tuple[float, float]) -> Outcome:
        """Kill a worker every so often (seconds, at random), and publish the stories evenly between the kills."""
        with slack.serve() as server, faults.installed(self._folder.parent / "plugins"):
            server.workspace.add_channel(DESK)
            async with FeedServer() as feeds:
                self._configure(feeds, server)
                async with self._running():
                    await self._until(
                        self._has_baselines, "every feed has its first poll", seconds=120 + self._feed_count / 10
                    )
                    spoiling.add_triggers(self._address)
                    was_cut = False
                    while (kill := self.outcome.kills) < kills:
                        self._publish(feeds, stories * (kill + 1) // kills)
                        await asyncio.sleep(self._rng.uniform(*pause))
                        if kill == kills // 2 and not was_cut:
                            was_cut = True
                            await self._until(self._have_all_begun, "every worker has begun", seconds=60)
                            await self._cut_connections()
                        await self._kill_one()
                    # Feeds that the last kill interrupted are polled within two intervals.
                    killed_at = asyncio.get_running_loop().time()
                    await self._until(
                        lambda: self._is_asked_since(feeds, killed_at), "every feed is polled", seconds=300
                    )
                    await self._until(self._is_quiet, "every story is posted", seconds=900)
                    await self._until(self._are_killed_forgotten, "the killed workers are no longer listed", seconds=90)
                    ended_at = asyncio.get_running_loop().time()
                    await self._stop()
                self._judge(feeds, server, ended_at)
        return self.outcome

    def _configure(self, feeds: FeedServer, server: slack.Server) -> None:
        bot = BOT.format(database=self._address, slack=server.api_url, every=int(self._every.total_seconds()))
        paths = [*(f"/{name}" for name in OUTLETS), *self._quiet]
        listed = [{"url": feeds.url(path), "owner": path} for path in paths]
        for feed in listed[: len(OUTLETS)]:
            feed["kind"] = "faulty"
        configs.write(self._folder, bot=bot, feeds=listed, rules=RULES)
        for path in self._quiet:
            # A feed without items is polled at the shortest interval for a long time.
            feeds.serve(path, rss("quiet"))
        self._publish(feeds, 0)

    def _publish(self, feeds: FeedServer, count: int) -> None:
        if len(self._stories) < count:
            word = faults.POISONS[len(self._poison) % len(faults.POISONS)]
            self._poison.append(poisoned(word, len(self._poison), self._words))
            self.outcome.poison[word] += 1
        while len(self._stories) < count:
            name, items = story(len(self._stories), self._words)
            self._names.append(name)
            self._stories.append(items)
        for number, outlet in enumerate(OUTLETS):
            poison = self._poison if number == 0 else []
            feeds.serve(f"/{outlet}", rss(outlet, *(items[number] for items in self._stories), *poison))

    # -- the workers

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        try:
            for number in range(self._worker_count):
                await self._start(number)
            yield
        finally:
            for worker in self._workers.values():
                if worker.returncode is None:
                    worker.kill()
                    await worker.wait()

    async def _start(self, number: int) -> None:
        environ = {**os.environ, "SLACK_BOT_TOKEN": slack.TOKEN}
        command = (sys.executable, "-m", "bot", "run", "--config", str(self._folder))
        with self._log(number).open("ab") as log:
            self._workers[number] = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environ)

    async def _kill_one(self) -> None:
        number = self._rng.randrange(len(self._workers))
        worker = self._workers[number]
        assert worker.returncode is None, self._last_words(number)
        worker.kill()
        await worker.wait()
        self._killed.append(worker.pid)
        self.outcome.kills += 1
        await self._start(number)

    async def _stop(self) -> None:
        """Stop the workers as an operator does."""
        for number, worker in self._workers.items():
            if worker.returncode is None:
                worker.send_signal(signal.SIGTERM)
            async with asyncio.timeout(300):
                code = await worker.wait()
            assert code == 0, f"worker {number}: exit code {code}:\n{self._last_words(number)}"

    def _log(self, number: int) -> Path:
        return self._folder / f"worker-{number}.log"

    def _last_words(self, number: int) -> str:
        return self._log(number).read_text(errors="replace")[-3000:]

    async def _cut_connections(self) -> None:
        """Cut all connections, as a restart of PostgreSQL does; the workers come back by themselves."""
        name = name_of(self._address)
        self._database.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self._database.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await asyncio.sleep(4)
        self._database.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    # -- looking

    async def _until(self, is_so: Any, what: str, *, seconds: float) -> None:
        for _ in range(int(seconds / 0.25)):
            if await asyncio.to_thread(is_so):
                return
            await asyncio.sleep(0.25)
        words = "\n".join(self._last_words(number) for number in self._workers)
        pytest.fail(f"it does not come to this within {seconds:g} s: {what}\n{words}")

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        name = name_of(self._address)
        return self._database.run(sql, database=name)

    def _is_asked_since(self, feeds: FeedServer, moment: float) -> bool:
        return len({request.path for request in feeds.requests if request.at > moment}) == self._feed_count

    def _has_baselines(self) -> bool:
        if self._query("SELECT to_regclass('feeds')") == [(None,)]:
            return False
        rows = self._query("SELECT state FROM feeds")
        return len(rows) == self._feed_count and all(json.loads(str(row[0]))["baseline_at"] for row in rows)

    def _is_quiet(self) -> bool:
        waiting = self._query("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'unknown')")
        posted = self._query(
            "SELECT count(*) FROM alerts JOIN stories ON stories.id = alerts.story "
            "WHERE state = 'posted' AND strpos(title, ': ') = 0"
        )
        aside = self._query("SELECT count(*) FROM quarantine")
        decision_queue = self._query("SELECT count(*) FROM decision_queue")
        is_all_aside = aside >= [(len(self._poison),)]
        return is_all_aside and (waiting, posted, decision_queue) == ([(0,)], [(len(self._names),)], [(0,)])

    def _have_all_begun(self) -> bool:
        listed = str(self._query("SELECT key FROM key_values WHERE key LIKE 'alive %'"))
        return all(f"process {worker.pid} on" in listed for worker in self._workers.values())

    def _are_killed_forgotten(self) -> bool:
        """Return whether the others have noticed that the killed workers are dead."""
        listed = str(self._query("SELECT key FROM key_values WHERE key LIKE 'alive %'"))
        return not any(f"process {killed} on" in listed for killed in self._killed)

    # -- judging

    def _judge(self, feeds: FeedServer, server: slack.Server, ended_at: float) -> None:
        outcome = self.outcome
        polls: dict[str, list[float]] = {}
        for request in feeds.requests:
            polls.setdefault(request.path, []).append(request.at)
        for path, times in polls.items():
            ends = [*times[1:], ended_at]
            gap = max(end - start for start, end in zip(times, ends, strict=True))
            if gap > 2 * self._every.total_seconds():
                outcome.missed.append(path)
        outcome.lost, outcome.doubled = lost_and_doubled(server.workspace.messages(DESK), self._names)
        outcome.quarantined = Counter(spoiling.quarantined_words(self._address))


def _check(outcome: Outcome) -> None:
    assert (outcome.missed, outcome.lost, outcome.doubled) == ([], [], [])
    assert outcome.quarantined == outcome.poison


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_workers_that_are_killed_leave_their_feeds_and_messages_to_the_others(
    tmp_path: Path, postgres_server: Server
) -> None:
    flock = Flock(tmp_path / "config", postgres_server, workers=2, feeds=100, every=timedelta(seconds=30))
    _check(await flock.live(kills=3, stories=9, pause=(2, 5)))


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_fifty_kills_of_three_workers_over_five_thousand_feeds(tmp_path: Path, postgres_server: Server) -> None:
    flock = Flock(tmp_path / "config", postgres_server, workers=3, feeds=5_000, every=timedelta(seconds=90))
    outcome = await flock.live(kills=50, stories=200, pause=(3, 9))
    _check(outcome)
    assert outcome.kills >= 50


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_a_hundred_kills_over_four_hundred_alerts(tmp_path: Path, postgres_server: Server) -> None:
    flock = Flock(tmp_path / "config", postgres_server, workers=3, feeds=20, every=timedelta(seconds=15))
    outcome = await flock.live(kills=100, stories=400, pause=(1, 5))
    # So many kills may keep a feed waiting for longer than two of its intervals.
    assert (outcome.lost, outcome.doubled) == ([], [])
    assert outcome.quarantined == outcome.poison
    assert outcome.kills >= 100
