"""A storm: real ``wirewatch run`` are killed with SIGKILL at random moments while stories come in, and start again.

One process owns an SQLite file, or several share a PostgreSQL. Slack fails at random too: 429, 500, resets before and
after a message was taken, hangs, answers that are none, and messages that are taken when nobody waits for them any
more. Some stories are poison: our code raises on them while they are parsed, matched, decided, read or sent
(tests/testbed/faults). What must hold at the end: each good story has one message, nothing is sent twice, replies are
in their thread in the order of their decisions, and exactly the poison is in quarantine.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.crash import process
from tests.crash.stories import GOODS, lost_and_doubled, new_words, own_text, poisoned, send_id, story
from tests.journeys.world import Item, rss
from tests.testbed import configs, faults
from tests.testbed.faults import spoiling
from tests.testbed.servers import slack
from tests.testbed.servers.feeds import FeedServer
from tests.testbed.servers.postgres import Server, name_of

OUTLETS = ("north", "south", "east")
#: A feed shows its newest items only.
FEED_ITEMS = 60
#: One start in so many is a cold one, so that imports are killed too.
COLD = 20
#: Nothing that waits comes to rest if nothing changes for so long, and for some intervals of the feeds.
STUCK_SECONDS = 90
SEED = 20151202

BOT = """\
database: {database}
channels:
{channels}
operator: kettles
posts_per_hour: {posts_per_hour}
stories: {{meaning: "off"}}  # The invented recalls differ in nothing but names.
fetch: {{every: {every} seconds, at_least: {every} seconds, per_host: 32, readers: 0, allow_private: [127.0.0.0/8]}}
"""
CHANNEL = (
    '  {goods}: {{kind: faulty, to: "#{goods}", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.02 seconds}}\n'
)
RULE = """\
  - {{name: Recalls of {goods}, all: {{what: [recalls], of: [{goods}]}}, skip: [opinion], notify: {channel}}}
"""
CONFIRMED = """\
  - name: Confirmed recalls of {goods}
    all: {{what: [recalls], of: [{goods}]}}
    skip: [opinion]
    min_outlets: 2
    notify: {goods}
"""


@dataclass(slots=True)
class Outcome:
    kills: int = 0
    #: Kills that hit a message that Slack had taken and the bot had not recorded.
    kills_before_recording: int = 0
    look_ups: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    #: Feeds that were not polled for more than two intervals.
    missed: list[str] = field(default_factory=list)
    #: Titles without a message.
    lost: list[str] = field(default_factory=list)
    #: Send ids or stories that appear twice.
    doubled: list[str] = field(default_factory=list)
    #: Titles that an edit took out of their message.
    vanished: set[str] = field(default_factory=set)
    #: Messages that show several stories.
    gathered: int = 0
    #: Threads whose messages are not in the order of the outbox.
    disordered: list[str] = field(default_factory=list)
    #: The words of the poison that was published, and of what is in quarantine.
    poison: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    #: The number of notices to the operator about it.
    notices: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What blows. With a low ``posts_per_hour``, messages show several stories."""

    kills: int
    stories_a_kill: int
    posts_per_hour: int = 3600
    poisons: Sequence[str] = faults.POISONS
    #: The probability that a request to Slack fails.
    fault_rate: float = 0.15
    #: The shortest and the longest time between two kills, in seconds.
    pause: tuple[float, float] = (0.1, 1.6)
    #: The number of processes, of feeds, and the interval of the feeds.
    workers: int = 1
    feeds: int = len(OUTLETS)
    every_seconds: int = 1

    async def blow(self, folder: Path, postgres: Server | None = None) -> Outcome:
        async with FeedServer() as feeds:
            with slack.serve() as server, faults.installed(faults.write_package(folder / "plugins")):
                running = _Running(self, folder / "config", feeds, server, postgres)
                try:
                    await running.blow()
                finally:
                    for worker in running.workers:
                        worker.kill()
                return running.outcome


class _Running:
    """A storm that blows."""

    def __init__(
        self, storm: Storm, folder: Path, feeds: FeedServer, server: slack.Server, postgres: Server | None
    ) -> None:
        self.storm, self.folder, self.feeds, self.slack, self.postgres = storm, folder, feeds, server, postgres
        self.address = postgres.new_database() if postgres else f"sqlite:///{folder}/wirewatch.db"
        self.outcome = Outcome()
        self.workers: list[process.Run] = []
        self._starts = itertools.count(1)
        self._killed: list[int] = []
        self._rng = random.Random(SEED)
        self._words = new_words(random.Random(SEED))
        #: The time of each message -> the titles that it has shown.
        self._shown: dict[str, set[str]] = {}
        self._stories: list[tuple[Item, ...]] = []
        self._names: list[str] = []
        #: Number of a story -> the poison that the first outlet publishes after it.
        self._poison: dict[int, Item] = {}
        #: Outlet -> the number of stories that it has published.
        self._published = dict.fromkeys(OUTLETS, 0)
        self._paths = [f"/{name}" for name in (*OUTLETS, *range(storm.feeds - len(OUTLETS)))]

    async def blow(self) -> None:
        self._configure()
        self.workers = [await self._start() for _ in range(self.storm.workers)]
        await self._until(self._has_baselines)
        spoiling.add_triggers(self.address)
        # A hang must end before a started process believes that a message is not there (outbox.SETTLE).
        self.slack.hang_seconds = 0.5
        # Kills must hit a post on its way, and its answer.
        self.slack.pause_seconds = 0.03
        self.slack.misbehave(self.storm.fault_rate, seed=SEED)
        await self._rage()
        self.slack.misbehave(0.0, seed=0)
        self._publish(0, lag=0)
        killed_at = asyncio.get_running_loop().time()
        await self._until(lambda: self._is_polled_since(killed_at) and self._is_quiet())
        if self.postgres:
            await self._until(lambda: not any(pid in self._listed_workers() for pid in self._killed))
        ended_at = asyncio.get_running_loop().time()
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        assert {await worker.wait() for worker in self.workers} == {0}, self._last_words()
        self._look_for_vanished()
        self._judge(ended_at)

    def _configure(self) -> None:
        bot = BOT.format(
            database=self.address,
            channels="".join(CHANNEL.format(goods=goods, slack=self.slack.api_url) for goods in GOODS),
            posts_per_hour=self.storm.posts_per_hour,
            every=self.storm.every_seconds,
        )
        listed = [{"url": self.feeds.url(path), "name": path, "owner": path} for path in self._paths]
        for feed in listed[: len(OUTLETS)]:
            feed["kind"] = "faulty"
        if self.storm.posts_per_hour >= 3600:
            rules = "".join((RULE + CONFIRMED).format(goods=goods, channel=goods) for goods in GOODS)
        else:
            # A story that a second rule matches would leave the message that lists it.
            rules = "".join(RULE.format(goods=goods, channel=GOODS[0]) for goods in GOODS)
        configs.write(self.folder, bot=bot, feeds=listed, rules=f"rules:\n{rules}")
        for path in self._paths:
            # A feed without items is polled at the shortest interval for a long time.
            self.feeds.serve(path, rss("quiet"))
        for goods in GOODS:
            self.slack.workspace.add_channel(goods)

    async def _start(self) -> process.Run:
        words, log = ("run", "--config", str(self.folder)), self.folder / "log"
        if next(self._starts) % COLD == 0:
            return await process.execute((sys.executable, "-m", "bot", *words), log)
        return process.fork(words, log)

    async def _rage(self) -> None:
        """Kill until there are enough kills and stories; on a slow machine there are more kills than requested."""
        count, (shortest, longest) = self.storm.stories_a_kill, self.storm.pause
        kills, stories = self.storm.kills, self.storm.kills * count
        most_seconds = longest
        while self.outcome.kills < kills or len(self._names) < stories:
            # More stories would push unread ones out of a feed, which would lose them.
            is_behind = max(self._unread()) + count > FEED_ITEMS
            if len(self._names) < stories and not is_behind:
                self._publish(count, lag=count)
            # Where a start takes longer than a life, nothing would ever be read.
            most_seconds = min(2 * most_seconds, 20 * longest) if is_behind else longest
            await asyncio.sleep(self._rng.uniform(shortest, most_seconds))
            if self.postgres and self.outcome.kills == kills // 2:
                await self._cut_connections(self.postgres)
            await self._kill(self._rng.randrange(len(self.workers)))

    async def _kill(self, number: int) -> None:
        worker = self.workers[number]
        worker.kill()
        code = await worker.wait()
        assert code == -signal.SIGKILL, f"it ended by itself with exit code {code}:\n{self._last_words()}"
        self.outcome.kills += 1
        self._killed.append(worker.pid)
        # Kills between sending and recording a message, which the promise is about.
        on_their_way = {row[0] for row in self._query("SELECT id FROM outbox WHERE state = 'sending'")}
        self.outcome.kills_before_recording += bool(on_their_way & set(map(send_id, self._messages()[-200:])))
        self._look_for_vanished()
        self.workers[number] = await self._start()

    async def _cut_connections(self, postgres: Server) -> None:
        """Cut all connections, as a restart of PostgreSQL does; the workers come back by themselves."""
        await self._until(lambda: {worker.pid for worker in self.workers} <= self._listed_workers())
        name = name_of(self.address)
        postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await asyncio.sleep(4)
        postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def _publish(self, count: int, *, lag: int) -> None:
        """Publish new stories at the first outlet; each further outlet is ``lag`` stories behind."""
        for _ in range(count):
            name, items = story(len(self._stories), self._words)
            self._names.append(name)
            self._stories.append(items)
        if count:
            word = self.storm.poisons[len(self._poison) % len(self.storm.poisons)]
            # Each channel gets some of the poison.
            number = len(self._stories) - 1 + len(self._poison)
            self._poison[len(self._stories) - 1] = poisoned(word, number, self._words)
            self.outcome.poison[word] += 1
        for number, outlet in enumerate(OUTLETS):
            published = self._stories[: max(0, len(self._stories) - number * lag)]
            self._published[outlet] = len(published)
            # At the end the outlets catch up, without removing from a feed what was not read.
            first = max(0, len(published) - (FEED_ITEMS if lag else 2 * FEED_ITEMS))
            shown = [items[number] for items in published[first:]]
            if number == 0:
                shown += [item for index, item in self._poison.items() if index >= first]
            self.feeds.serve(f"/{outlet}", rss(outlet, *reversed(shown)))

    # -- looking

    async def _until(self, holds: Callable[[], bool]) -> None:
        state, quiet_seconds = "", 0.0
        while not await asyncio.to_thread(holds):
            state, before = self._state(), state
            quiet_seconds = quiet_seconds + 0.1 if state == before else 0
            is_stuck = quiet_seconds > STUCK_SECONDS + 2 * self.storm.every_seconds
            if is_stuck or any(worker.returncode is not None for worker in self.workers):
                pytest.fail(f"{len(self._names)} stories do not come to rest:\n{state}\n{self._last_words()}")
            await asyncio.sleep(0.1)

    def _state(self) -> str:
        """Describe the work that is done and the work that waits."""
        columns = {"articles": "1", "decision_queue": "1", "alerts": "state", "outbox": "state"}
        rows = {
            name: self._query(f"SELECT {column}, count(*) FROM {name} GROUP BY 1") for name, column in columns.items()
        }
        return f"{rows}; {len({request.path for request in self.feeds.requests})} feeds polled"

    def _last_words(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows, without a change of the file; none while there is no table, or no connection."""
        try:
            if self.postgres:
                return self.postgres.run(sql, database=name_of(self.address))
            with contextlib.closing(sqlite3.connect(f"file:{self.folder}/wirewatch.db?mode=ro", uri=True)) as database:
                return database.execute(sql).fetchall()
        except (sqlite3.OperationalError, psycopg.Error):
            return []

    def _unread(self) -> list[int]:
        rows = self._query(
            "SELECT sightings.feed, count(*) FROM sightings JOIN articles ON articles.id = sightings.article "
            "WHERE title NOT LIKE '%: %' GROUP BY sightings.feed"
        )
        stored = {url.rpartition("/")[2]: count for url, count in rows}
        return [published - stored.get(outlet, 0) for outlet, published in self._published.items()]

    def _has_baselines(self) -> bool:
        rows = self._query("SELECT state FROM feeds")
        return len(rows) == len(self._paths) and all(json.loads(row[0])["baseline_at"] for row in rows)

    def _is_polled_since(self, moment: float) -> bool:
        return len({request.path for request in self.feeds.requests if request.at > moment}) == len(self._paths)

    def _is_quiet(self) -> bool:
        """Whether every story was posted and reported, and nothing waits."""
        waiting = self._query("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'unknown')")
        posted = self._query(
            "SELECT count(*) FROM alerts JOIN stories ON stories.id = alerts.story "
            "WHERE state = 'posted' AND title NOT LIKE '%: %'"
        )
        aside = self._query("SELECT is_reported FROM quarantine")
        # The bot reports what is set aside every ten seconds, but of each stage only once an hour.
        is_all_aside = len(aside) >= self.outcome.poison.total() and any(reported for (reported,) in aside)
        return waiting == [(0,)] and posted == [(len(self._names),)] and is_all_aside and not any(self._unread())

    def _listed_workers(self) -> set[int]:
        """Return the processes that the workers believe to live."""
        listed = str(self._query("SELECT key FROM key_values WHERE key LIKE 'alive %'"))
        pids = {*self._killed, *(worker.pid for worker in self.workers)}
        return {pid for pid in pids if f"process {pid} on" in listed}

    def _messages(self) -> list[dict[str, Any]]:
        return [message for goods in GOODS for message in self.slack.workspace.messages(goods)]

    def _look_for_vanished(self) -> None:
        for message in self._messages():
            text = own_text(message)
            names = {name for name in self._names if name in text}
            self.outcome.vanished |= self._shown.get(message["ts"], set()) - names
            self._shown[message["ts"]] = names

    # -- judging

    def _judge(self, ended_at: float) -> None:
        outcome, messages = self.outcome, self._messages()
        outcome.faults = self.slack.faults
        outcome.look_ups = sum(self.slack.asked(f"conversations.{method}") for method in ("history", "replies"))
        outcome.lost, outcome.doubled = lost_and_doubled(messages, self._names)
        outcome.quarantined = Counter(spoiling.quarantined_words(self.address))
        outcome.gathered = sum(len(names) > 1 for names in self._shown.values())
        outcome.notices = sum("set aside" in json.dumps(message["blocks"]) for message in messages)
        outcome.disordered += self._disordered([message for message in messages if "thread_ts" in message])
        for path in self._paths:
            times = [*(request.at for request in self.feeds.seen(path)), ended_at]
            if max(end - start for start, end in itertools.pairwise(times)) > 2 * self.storm.every_seconds:
                outcome.missed.append(path)

    def _disordered(self, replies: list[dict[str, Any]]) -> Iterator[str]:
        rank = {row[0]: int(row[1]) for row in self._query("SELECT id, seq FROM outbox")}
        threads: dict[str, list[int]] = {}
        for message in replies:
            threads.setdefault(message["thread_ts"], []).append(rank[send_id(message)])
        yield from (thread for thread, ranks in threads.items() if ranks != sorted(ranks))
