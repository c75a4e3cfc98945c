"""A storm: the real ``wirewatch run`` is killed with SIGKILL at random moments while stories come in.

Slack fails at random too: 429, 500, resets before and after a message was taken, hangs. What must hold at the end: each
story has one message, nothing is sent twice, and replies stand in their thread in the order in which they were decided.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.journeys.world import Item, rss
from tests.servers import slack
from tests.servers.feeds import FeedServer

OUTLETS = ("north", "south")
_SYLLABLES = (
    "ba",
    "den",
    "ro",
    "mil",
    "ka",
    "vos",
    "ter",
    "lin",
    "gu",
    "phar",
    "zo",
    "net",
    "qui",
    "sal",
    "wex",
    "yor",
)

BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels:
  desk: {{kind: slack, to: "#policy-alerts", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.02 seconds}}
operator: desk
fetch: {{every: 1 seconds, allow_private: [127.0.0.0/8]}}
"""
RULES = """\
rules:
  - {name: Recalls, all: {what: [recalls]}, notify: desk}
  - {name: Confirmed recalls, all: {what: [recalls]}, min_outlets: 2, notify: desk}
"""


@dataclass(slots=True)
class Outcome:
    kills: int = 0
    stories: int = 0
    faults: int = 0
    #: Titles without a message.
    lost: list[str] = field(default_factory=list)
    #: Send ids or stories that stand twice.
    doubled: list[str] = field(default_factory=list)
    #: Threads whose replies are not in the order of the outbox.
    disordered: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = (
            ("kills", self.kills),
            ("stories", self.stories),
            ("faults of Slack", self.faults),
            ("lost", len(self.lost)),
            ("doubled", len(self.doubled)),
            ("out of order", len(self.disordered)),
        )
        return "\n".join(f"{name:<18}{count:>6}" for name, count in rows)


def word(chance: random.Random) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(3)).capitalize()


def story(number: int, chance: random.Random) -> tuple[Item, Item]:
    """One event told by two outlets, unlike every other event."""
    company, product, place, person = (word(chance) for _ in range(4))
    count = 100 + number
    now = datetime.now(UTC)  # noqa: TID251 - the process under test lives in real time
    title = f"{company} recalls {count} {product} kettles in {place}"
    first = f"{company} recalls {count} {product} kettles sold in {place}. {person} of {company} said so."
    second = f"In {place}, {company} recalls its {product} kettles, {count} of them, {person} said."
    return (
        Item(id=f"n{number}", title=title, text=first, at=now),
        Item(id=f"s{number}", title=f"{title}, {person} says", text=second, at=now),
    )


class Storm:
    def __init__(self, folder: Path, *, seed: int, faults: float) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._faults = faults
        self._told: dict[str, list[Item]] = {name: [] for name in OUTLETS}
        self.outcome = Outcome()
        self.titles: list[str] = []

    async def blow(self, *, kills: int, stories_a_kill: int) -> Outcome:
        async with FeedServer() as feeds:
            with slack.serve() as server:
                server.workspace.add_channel("policy-alerts")
                server.hang_seconds = 0.5
                self._configure(feeds, server)
                await self._settle(0)  # the baseline: nothing published yet
                server.misbehave(self._faults, seed=self._chance.randrange(10**6))
                for _ in range(kills):
                    self._publish(feeds, stories_a_kill)
                    await self._run_and_kill(self._chance.uniform(0.7, 2.2))
                    self.outcome.kills += 1
                server.misbehave(0.0, seed=0)
                await self._settle(len(self.titles), server)
                self._judge(server)
        return self.outcome

    def _configure(self, feeds: FeedServer, server: slack.Server) -> None:
        (self._folder / "rules").mkdir(parents=True)
        (self._folder / "bot.yaml").write_text(BOT.format(folder=self._folder, slack=server.api_url))
        lines = [f'  - {{url: "{feeds.url(f"/{name}")}", name: {name}, owner: {name}}}' for name in OUTLETS]
        (self._folder / "feeds.yaml").write_text("feeds:\n" + "\n".join(lines) + "\n")
        (self._folder / "rules" / "desk.yaml").write_text(RULES)
        for name in OUTLETS:
            feeds.serve(f"/{name}", rss(name))

    def _publish(self, feeds: FeedServer, count: int) -> None:
        for _ in range(count):
            pair = story(len(self.titles), self._chance)
            self.titles.append(pair[0].title)
            for name, item in zip(OUTLETS, pair, strict=True):
                self._told[name] = [item, *self._told[name]][:60]
        for name in OUTLETS:
            feeds.serve(f"/{name}", rss(name, *self._told[name]))

    async def _start(self) -> asyncio.subprocess.Process:
        environ = {**os.environ, "SLACK_BOT_TOKEN": slack.TOKEN}
        command = (sys.executable, "-m", "bot", "run", "--config", str(self._folder))
        with (self._folder / "run.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environ)

    async def _run_and_kill(self, seconds: float) -> None:
        process = await self._start()
        await asyncio.sleep(seconds)
        process.kill()
        await process.wait()

    async def _settle(self, stories: int, server: slack.Server | None = None) -> None:
        """Run undisturbed until every story was posted, then stop as an operator does."""
        process = await self._start()
        # A post, an edit and a reply a story may still wait, each with its pace.
        for _ in range(600 + 5 * stories):
            await asyncio.sleep(0.1)
            if server is None and self._has_baselines():
                break
            if server is not None and self._is_quiet(stories):
                break
        process.send_signal(signal.SIGTERM)
        code = await process.wait()
        log = (self._folder / "run.log").read_text()[-3000:]
        assert code == 0, f"SIGTERM gave exit code {code}:\n{log}"

    def _query(self, sql: str) -> list[tuple[object, ...]]:
        try:
            database = sqlite3.connect(f"file:{self._folder}/wirewatch.db?mode=ro", uri=True)
            with contextlib.closing(database):
                return database.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []

    def _has_baselines(self) -> bool:
        rows = self._query("SELECT state FROM feeds")
        return len(rows) == len(OUTLETS) and all(json.loads(str(row[0]))["baseline_at"] for row in rows)

    def _is_quiet(self, stories: int) -> bool:
        waiting = self._query("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'unknown')")
        posted = self._query("SELECT count(*) FROM alerts WHERE state = 'posted'")
        return waiting == [(0,)] and bool(posted) and int(str(posted[0][0])) >= stories

    def _judge(self, server: slack.Server) -> None:
        messages = server.workspace.messages("policy-alerts")
        outcome = self.outcome
        outcome.stories = len(self.titles)
        outcome.faults = sum(1 for method, _, _ in server.requests if method.startswith("chat.")) - len(messages)
        sent = Counter(str(m["metadata"]["event_payload"]["send_id"]) for m in messages if "metadata" in m)
        outcome.doubled += [send_id for send_id, count in sent.items() if count > 1]
        heads = [json.dumps(m["blocks"], ensure_ascii=False) for m in messages if "thread_ts" not in m]
        for title in self.titles:
            count = sum(title in head for head in heads)
            if count == 0:
                outcome.lost.append(title)
            elif count > 1:
                outcome.doubled.append(title)
        self._judge_order(messages)

    def _judge_order(self, messages: list[dict[str, object]]) -> None:
        rank = {str(row[0]): int(str(row[1])) for row in self._query("SELECT id, seq FROM outbox")}
        threads: dict[str, list[int]] = {}
        for message in messages:
            if "thread_ts" in message:
                metadata = message["metadata"]
                assert isinstance(metadata, dict)
                send_id = str(metadata["event_payload"]["send_id"])
                threads.setdefault(str(message["thread_ts"]), []).append(rank[send_id])
        self.outcome.disordered += [thread for thread, seqs in threads.items() if seqs != sorted(seqs)]
