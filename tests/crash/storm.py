"""A storm: the real ``wirewatch run`` is killed with SIGKILL at random moments while stories come in.

Slack fails at random too: 429, 500, resets before and after a message was taken, hangs, answers that are none, and
messages that are taken when nobody waits for them any more. Some stories are poison: our code raises on them while they
are parsed, matched, decided, read or sent (tests/testbed/faults). What must hold at the end: each good story has one
message, nothing is sent twice, replies are in their thread in the order of their decisions, and exactly the poison is
in quarantine.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import re
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.crash import launcher
from tests.journeys.world import Item, rss
from tests.testbed import configs, faults
from tests.testbed.faults import spoiling
from tests.testbed.servers import slack
from tests.testbed.servers.feeds import FeedServer

OUTLETS = ("north", "south", "east")
#: Four channels: a fault pauses one of them, the others continue.
DESKS = ("kettles", "heaters", "lamps", "toasters")
#: A feed shows its newest items only.
FEED_ITEMS = 60
#: The longest that a killed run lives, the few tenths of its start included.
LIFE_SECONDS = 1.6
#: One run in so many is started cold, so that its imports are killed too.
COLD = 20
#: A hang; it must end before a started process believes that a message is not there (outbox.SETTLE).
HANG_SECONDS = 0.5
#: A bot that must come to rest is stuck if nothing of its work changes for so long.
STUCK_SECONDS = 60
#: How long a post is on its way, and its answer: kills must hit both ways.
PAUSE_SECONDS = 0.03
_SYLLABLES = "ba den ro mil ka vos ter lin gu phar zo net qui sal wex yor".split()

BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels:
{channels}
operator: kettles
posts_per_hour: {posts_per_hour}
stories: {{meaning: "off"}}  # The invented recalls differ in nothing but names.
fetch: {{every: 1 seconds, at_least: 1 seconds, readers: 0, allow_private: [127.0.0.0/8]}}
"""
CHANNEL = (
    '  {desk}: {{kind: faulty, to: "#{desk}", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.02 seconds}}'
)
RULE = """\
  - {{name: Recalls of {desk}, all: {{what: [recalls], of: [{desk}]}}, skip: [opinion], notify: {channel}}}
"""
CONFIRMED = """\
  - name: Confirmed recalls of {desk}
    all: {{what: [recalls], of: [{desk}]}}
    skip: [opinion]
    min_outlets: 2
    notify: {desk}
"""


def story(number: int, words: Iterator[str]) -> tuple[str, tuple[Item, ...]]:
    """One event: the words of its titles that no other has, and the article of each outlet (the report, its
    confirmation, a fact that changed)."""
    company, product, place, person = itertools.islice(words, 4)
    count, desk = 100 + number, DESKS[number % len(DESKS)]
    now = datetime.now(UTC)  # noqa: TID251 - the process under test lives in real time
    name = f"{product} {desk} in {place}"
    title = f"{company} recalls {count} {name}"
    first = f"{company} recalls {count} {product} {desk} sold in {place}. {person} of {company} said so."
    second = f"In {place}, {company} recalls its {product} {desk}, {count} of them, {person} said."
    third = f"{company} recalls 9{count} {product} {desk} in {place}, not {count}, {person} of {company} said."
    return name, (
        Item(id=f"n{number}", title=title, text=first, at=now),
        Item(id=f"s{number}", title=f"{title}, {person} says", text=second, at=now),
        Item(id=f"e{number}", title=f"{company} recalls 9{count} {name}", text=third, at=now),
    )


def poisoned(word: str, number: int, words: Iterator[str]) -> Item:
    """Return the report of one more event, whose headline has a poison.

    The poison is in a word that no other report has, as reports that share rare words are one story.
    """
    _, (report, *_) = story(number, words)
    return replace(report, id=f"{word}{number}", title=f"{word}{next(words).lower()}: {report.title}")


def new_words(rng: random.Random) -> Iterator[str]:
    """Names, no two alike: events that share some are one story to the bot, and rightly so."""
    seen: set[str] = set()
    while True:
        word = "".join(rng.choices(_SYLLABLES, k=4)).capitalize()
        if word not in seen:
            seen.add(word)
            yield word


@dataclass(slots=True)
class Outcome:
    kills: int = 0
    #: Kills that hit a message that Slack had taken and the bot had not recorded.
    kills_before_recording: int = 0
    look_ups: int = 0
    faults: Counter[str] = field(default_factory=Counter)
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


class Storm:
    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        faults: float,
        posts_per_hour: int = 3600,
        poisons: Sequence[str] = faults.POISONS,
    ) -> None:
        """With a low ``posts_per_hour``, all rules notify one channel, so that its messages show several stories."""
        self._folder = folder
        self._address = f"sqlite:///{folder}/wirewatch.db"
        self._log = folder / "run.log"
        self._rng = random.Random(seed)
        self._words = new_words(random.Random(seed))
        self._faults = faults
        self._posts_per_hour = posts_per_hour
        self._poisons = poisons
        #: The time of each message -> the titles that it has shown.
        self._shown: dict[str, set[str]] = {}
        self._stories: list[tuple[Item, ...]] = []
        self._names: list[str] = []
        #: Number of a story -> the poison that the first outlet publishes after it.
        self._poison: dict[int, Item] = {}
        #: Outlet -> the number of stories that it has published.
        self._published = dict.fromkeys(OUTLETS, 0)
        self.outcome = Outcome()

    async def blow(self, *, kills: int, stories_a_kill: int) -> Outcome:
        with slack.serve() as server, faults.installed(self._folder.parent / "plugins"):
            async with FeedServer() as feeds:
                for desk in DESKS:
                    server.workspace.add_channel(desk)
                server.hang_seconds, server.pause_seconds = HANG_SECONDS, PAUSE_SECONDS
                self._configure(feeds, server)
                await self._settle(0)  # the baseline: nothing published yet
                spoiling.add_triggers(self._address)
                server.misbehave(self._faults, seed=self._rng.randrange(10**6), kinds=(*slack.FAULTS, slack.LATE))
                await self._rage(feeds, server, kills=kills, stories_a_kill=stories_a_kill)
                server.misbehave(0.0, seed=0)
                self._publish(feeds, 0, lag=0)
                await self._settle(len(self._names))
                self._look_for_vanished(server)
                self._judge(server)
        return self.outcome

    async def _rage(self, feeds: FeedServer, server: slack.Server, *, kills: int, stories_a_kill: int) -> None:
        """Kill until there are enough kills and stories; on a slow machine there are more kills than requested."""
        life_seconds = LIFE_SECONDS
        while self.outcome.kills < kills or len(self._names) < kills * stories_a_kill:
            is_behind = self._is_behind(stories_a_kill)
            if len(self._names) < kills * stories_a_kill and not is_behind:
                self._publish(feeds, stories_a_kill, lag=stories_a_kill)
            # Where a start takes longer than a life, nothing would ever be read.
            life_seconds = min(2 * life_seconds, 20 * LIFE_SECONDS) if is_behind else LIFE_SECONDS
            is_cold = self.outcome.kills % COLD == COLD - 1
            await self._run_and_kill(seconds=self._rng.uniform(0.1, life_seconds), is_cold=is_cold)
            self._look_at_the_wreck(server)

    def _configure(self, feeds: FeedServer, server: slack.Server) -> None:
        channels = "\n".join(CHANNEL.format(desk=desk, slack=server.api_url) for desk in DESKS)
        bot = BOT.format(folder=self._folder, channels=channels, posts_per_hour=self._posts_per_hour)
        listed = [{"url": feeds.url(f"/{name}"), "name": name, "owner": name, "kind": "faulty"} for name in OUTLETS]
        if self._posts_per_hour >= 3600:
            rules = "".join((RULE + CONFIRMED).format(desk=desk, channel=desk) for desk in DESKS)
        else:
            # A story that a second rule matches would leave the message that lists it.
            rules = "".join(RULE.format(desk=desk, channel=DESKS[0]) for desk in DESKS)
        configs.write(self._folder, bot=bot, feeds=listed, rules=f"rules:\n{rules}")
        for name in OUTLETS:
            feeds.serve(f"/{name}", rss(name))

    def _publish(self, feeds: FeedServer, count: int, *, lag: int) -> None:
        """Publish new stories at the first outlet; each further outlet is ``lag`` stories behind."""
        for _ in range(count):
            name, items = story(len(self._stories), self._words)
            self._names.append(name)
            self._stories.append(items)
        if count:
            word = self._poisons[len(self._poison) % len(self._poisons)]
            # Each desk gets some of the poison.
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
            feeds.serve(f"/{outlet}", rss(outlet, *reversed(shown)))

    def _is_behind(self, count: int) -> bool:
        """Whether so many more stories would push unread ones out of a feed: those would be lost by the outlet."""
        return max(self._unread()) + count > FEED_ITEMS

    def _unread(self) -> list[int]:
        rows = dict(
            self._query(
                "SELECT sightings.feed, count(*) FROM sightings JOIN articles ON articles.id = sightings.article "
                "WHERE title NOT LIKE '%: %' GROUP BY sightings.feed"
            )
        )
        stored = {url.rpartition("/")[2]: count for url, count in rows.items()}
        return [published - stored.get(outlet, 0) for outlet, published in self._published.items()]

    def _arguments(self) -> list[str]:
        return ["run", "--config", str(self._folder)]

    def _start(self) -> launcher.Run:
        return launcher.start(self._arguments(), _environ(), self._log)

    async def _run_and_kill(self, *, seconds: float, is_cold: bool) -> None:
        if is_cold:
            command = (sys.executable, "-m", "bot", *self._arguments())
            with self._log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=_environ())
            await asyncio.sleep(seconds)
            process.kill()
            code = await process.wait()
        else:
            run = self._start()
            await asyncio.sleep(seconds)
            run.kill()
            code = await run.wait()
        assert code == -signal.SIGKILL, f"it ended by itself with exit code {code}:\n{self._last_words()}"
        self.outcome.kills += 1

    async def _settle(self, stories: int) -> None:
        """Run undisturbed until every story was posted, then stop as an operator does."""
        run = self._start()
        state, quiet_ticks = "", 0
        while not (self._is_quiet(stories) if stories else self._has_baselines()):
            state, before = self._state(), state
            quiet_ticks = quiet_ticks + 1 if state == before else 0
            if quiet_ticks > STUCK_SECONDS * 10:
                run.kill()
                pytest.fail(f"{stories} stories do not come to rest:\n{state}\n{self._last_words()}")
            await asyncio.sleep(0.1)
        run.send_signal(signal.SIGTERM)
        code = await run.wait()
        assert code == 0, f"SIGTERM gave exit code {code}:\n{self._last_words()}"

    def _state(self) -> str:
        """Describe the work that is done and the work that waits."""
        tables = {
            name: self._query(f"SELECT {column}, count(*) FROM {name} GROUP BY 1")
            for name, column in (("articles", "1"), ("decision_queue", "1"), ("alerts", "state"), ("outbox", "state"))
        }
        return "; ".join(f"{name} {rows}" for name, rows in tables.items())

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    # -- looking

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            database = sqlite3.connect(f"file:{self._folder}/wirewatch.db?mode=ro", uri=True)
            with contextlib.closing(database):
                return database.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []

    def _has_baselines(self) -> bool:
        rows = self._query("SELECT state FROM feeds")
        return len(rows) == len(OUTLETS) and all(json.loads(row[0])["baseline_at"] for row in rows)

    def _is_quiet(self, stories: int) -> bool:
        waiting = self._query("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'unknown')")
        posted = self._query(
            "SELECT count(*) FROM alerts JOIN stories ON stories.id = alerts.story "
            "WHERE state = 'posted' AND title NOT LIKE '%: %'"
        )
        [(aside, reported)] = self._query("SELECT count(*), coalesce(sum(is_reported), 0) FROM quarantine") or [(0, 0)]
        # The bot reports what is set aside every ten seconds, but of each stage only once an hour.
        is_all_aside = aside >= self.outcome.poison.total() and bool(reported or not aside)
        return waiting == [(0,)] and posted == [(stories,)] and is_all_aside and not any(self._unread())

    def _messages(self, server: slack.Server) -> list[dict[str, Any]]:
        return [message for desk in DESKS for message in server.workspace.messages(desk)]

    def _look_at_the_wreck(self, server: slack.Server) -> None:
        """Count the kills between sending and recording a message, which the promise is about."""
        on_their_way = {row[0] for row in self._query("SELECT id FROM outbox WHERE state = 'sending'")}
        accepted = {_send_id(message) for message in self._messages(server)[-200:]}
        self.outcome.kills_before_recording += bool(on_their_way & accepted)
        self._look_for_vanished(server)

    def _look_for_vanished(self, server: slack.Server) -> None:
        for message in self._messages(server):
            text = own_text(message)
            names = {name for name in self._names if name in text}
            self.outcome.vanished |= self._shown.get(message["ts"], set()) - names
            self._shown[message["ts"]] = names

    # -- judging

    def _judge(self, server: slack.Server) -> None:
        outcome, messages = self.outcome, self._messages(server)
        outcome.faults = server.faults
        outcome.look_ups = sum(
            method in ("conversations.history", "conversations.replies") for method, _ in server.requests
        )
        outcome.lost, outcome.doubled = lost_and_doubled(messages, self._names)
        outcome.quarantined = Counter(spoiling.quarantined_words(self._address))
        outcome.gathered = sum(len(names) > 1 for names in self._shown.values())
        outcome.notices = sum("set aside" in json.dumps(message["blocks"]) for message in messages)
        outcome.disordered += list(self._disordered([message for message in messages if "thread_ts" in message]))

    def _disordered(self, replies: list[dict[str, Any]]) -> Iterator[str]:
        rank = {row[0]: int(row[1]) for row in self._query("SELECT id, seq FROM outbox")}
        threads: dict[str, list[int]] = {}
        for message in replies:
            threads.setdefault(message["thread_ts"], []).append(rank[_send_id(message)])
        yield from (thread for thread, ranks in threads.items() if ranks != sorted(ranks))


def lost_and_doubled(messages: list[dict[str, Any]], names: list[str]) -> tuple[list[str], list[str]]:
    """Return the names of stories without a message, and the send ids of replies and the names that appear twice.

    A story that a message with several stories lists may have a separate message too, but only with news as its reply.
    """
    # An edit puts its own send id into the message that it edits.
    sends = Counter(_send_id(message) for message in messages if "thread_ts" in message)
    threads = {message["thread_ts"] for message in messages if "thread_ts" in message}
    lists, posts, posts_with_news = Counter[str](), Counter[str](), Counter[str]()
    for message in messages:
        if "thread_ts" not in message:
            text = own_text(message)
            shown = [name for name in names if name in text]
            is_list = message["blocks"][0]["type"] == "header"
            (lists if is_list else posts).update(shown)
            posts_with_news.update(shown if message["ts"] in threads else ())
    doubled = [send for send, count in sends.items() if count > 1]
    doubled += [name for name in names if lists[name] > 1 or posts[name] > 1]
    doubled += [name for name in names if lists[name] and posts[name] > posts_with_news[name]]
    return [name for name in names if not lists[name] + posts[name]], doubled


#: In the blocks of a message: the words before the headline of a related story, and that headline.
_RELATED = re.compile(r'Related: ".*?"text": "(?:[^"\\]|\\.)*"')


def own_text(message: Mapping[str, Any]) -> str:
    """Return the text of a message without the headline that it names as related."""
    return _RELATED.sub("", json.dumps(message["blocks"], ensure_ascii=False))


def _send_id(message: dict[str, Any]) -> str:
    return str(message["metadata"]["event_payload"]["send_id"])


def _environ() -> dict[str, str]:
    return {**os.environ, "SLACK_BOT_TOKEN": slack.TOKEN}
