"""News pushed by a hub is a Slack message at once, on SQLite and with workers on PostgreSQL; forgers are refused."""

from __future__ import annotations

import asyncio
import hmac
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot import app, storage
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.environment import SystemClock
from bot.app.jobs import Job, run_jobs
from bot.app.runtime import App
from bot.feeds import polling, websub
from bot.fetch.client import HttpFetcher
from bot.model.feeds import Feed, Subscription
from bot.model.fetching import Response
from bot.model.settings import FetchPolicy
from bot.pipeline import push
from tests.journeys import world as worlds
from tests.journeys.test_buttons import each_database, until
from tests.journeys.test_feeds import NEWS
from tests.testbed import commands
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings
from tests.testbed.servers import hub, ports

__all__ = ["each_database"]

TOPIC = "https://wire.example/feed"


@dataclass(frozen=True, kw_only=True)
class Desk:
    world: worlds.World
    hub: hub.Hub
    bot: App
    callback: str

    def publish(self, *items: worlds.Item) -> None:
        head = f"<channel><atom:link rel='hub' href='{self.hub.url}'/><atom:link rel='self' href='{TOPIC}'/>"
        body = worlds.rss("wire", *items).replace(b"<channel>", head.encode())
        body = body.replace(b'<rss version="2.0">', b'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">')
        self.world.outlets.serve("/wire.xml", body)

    @property
    def polls(self) -> int:
        return len(self.world.outlets.seen("/wire.xml"))

    async def subscription(self) -> Subscription:
        [result] = await self.bot.store.read(lambda tx: tx.subscriptions.all())
        return result


@asynccontextmanager
async def desk(folder: Path, database: str, *, lease_seconds: int = 864_000) -> AsyncIterator[Desk]:
    with hub.serve() as running_hub:
        running_hub.lease_seconds = lease_seconds
        async with worlds.world(folder / "one") as world, AsyncExitStack() as stack:
            public = f"http://127.0.0.1:{(port := ports.free())}"
            bot_file = worlds.BOT.replace("sqlite:///{folder}/wirewatch.db", database)
            world.configure("wire", bot=bot_file)
            shutil.copytree(folder / "one", folder / "two")
            with (folder / "one" / "bot.yaml").open("a") as opened:
                opened.write(f"web: {{listen: '127.0.0.1:{port}', public_url: '{public}/', token: env:WEB_TOKEN}}\n")
            # A second worker, which hubs do not reach, polls as well.
            folders = [folder / "one", *([folder / "two"] if database.startswith("postgresql") else [])]
            world.environ["WEB_TOKEN"] = "a token of the page"
            environment = app.Environment(environ=world.environ)
            bots = [
                await stack.enter_async_context(
                    runtime.opened(app.load(item, world.environ), environment, process_name=item.name)
                )
                for item in folders
            ]
            created = Desk(world=world, hub=running_hub, bot=bots[0], callback=f"{public}/websub/")
            created.publish()
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for bot in bots:
                    group.create_task(bot.run(stop, choose_engine(bot)))
                try:
                    await until(lambda: running_hub.verified)
                    yield created
                finally:
                    stop.set()


async def test_pushed_news_is_posted_at_once(
    tmp_path: Path, each_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first poll was a moment ago.
    monkeypatch.setattr(polling, "LEAST_AFTER_NEWS", timedelta())
    async with desk(tmp_path, each_database) as running_desk:
        [subscriber] = running_desk.hub.verified
        assert subscriber.topic == TOPIC
        running_desk.publish(NEWS)
        polls = running_desk.polls
        assert await asyncio.to_thread(running_desk.hub.publish, TOPIC, b"<rss/>") == [202]
        # The next poll by the clock is in five minutes.
        await until(running_desk.world.heads)
        assert NEWS.title in str(running_desk.world.heads())
        assert running_desk.polls == polls + 1
        # The subscription lasts for ten days and is renewed in time.
        subscription = await running_desk.subscription()
        assert subscription.until
        assert (subscription.until - subscription.next_at).days == 2
        words, environ = ("status", "--config", str(tmp_path / "one")), {**os.environ, **running_desk.world.environ}
        shown = await asyncio.to_thread(commands.run, words, tmp_path, {**environ, "COLUMNS": "200"})
        assert f"its hub pushes until {subscription.until:%Y-%m-%d %H:%M} UTC" in shown.stdout


async def test_forged_calls_are_refused_and_nothing_is_polled(tmp_path: Path) -> None:
    async with desk(tmp_path, f"sqlite:///{tmp_path}/wirewatch.db") as running_desk:
        [first] = running_desk.hub.verified
        body = b"<rss/>"
        signed = hmac.new(b"guess", body, "sha256").hexdigest()
        polls, known = running_desk.polls, await running_desk.subscription()

        def forge() -> list[int]:
            good = hmac.new(first.secret.encode(), body, "sha256").hexdigest()
            return [
                hub.call(first.callback, body)[0],
                hub.call(first.callback, body, signature=f"sha256={signed}")[0],
                hub.call(first.callback, body + b" ", signature=f"sha256={good}")[0],
                hub.call(running_desk.callback + "guess" * 8 + "xyz", body, signature=f"sha256={good}")[0],
                hub.call(first.callback, b"x" * 10_000_001, signature=f"sha256={good}")[0] or 413,
                running_desk.hub.ask(first, challenge="x", mode="unsubscribe")[0],
                running_desk.hub.ask(first, challenge="x", topic="https://other.example/")[0],
                running_desk.hub.ask(first, challenge="x" * 5_000)[0],
                hub.call(running_desk.callback + "guess?hub.mode=subscribe&hub.challenge=x")[0],
            ]

        assert await asyncio.to_thread(forge) == [403, 403, 403, 410, 413, 404, 404, 404, 404]
        # Ticks come each second.
        await asyncio.sleep(1.5)
        assert running_desk.polls == polls
        assert await running_desk.subscription() == known
        # A challenge is text, whatever a browser would make of it.
        status, text = await asyncio.to_thread(lambda: running_desk.hub.ask(first, challenge="<script>"))
        assert (status, text) == (200, "<script>")


async def test_a_hub_that_ends_the_subscription_leaves_a_feed_that_is_polled(tmp_path: Path) -> None:
    async with desk(tmp_path, f"sqlite:///{tmp_path}/wirewatch.db") as running_desk:
        [first] = running_desk.hub.verified
        await asyncio.to_thread(lambda: running_desk.hub.ask(first, challenge="", mode="denied", reason="too many"))
        subscription = await running_desk.subscription()
        assert (subscription.until, subscription.error) == (None, "the hub refuses: too many")
        assert await asyncio.to_thread(running_desk.hub.publish, TOPIC, b"<rss/>") == [410]


async def test_a_hub_that_is_a_private_address_is_not_asked(tmp_path: Path) -> None:
    store = storage.open_store(f"sqlite:///{tmp_path}/w.db", clock=FakeClock())
    fetcher = HttpFetcher(FetchPolicy(), FakeClock())
    with hub.serve() as private:
        hubs = push.Hubs(store, FakeClock(), fetcher, lambda: make_settings(public_url="https://watch.example"))
        subscription = websub.new_subscription("https://wire.example/feed", private.url, TOPIC, now=START)
        await store.write(lambda tx: tx.subscriptions.want(subscription))
        await hubs.ask_due()
        [kept] = await store.read(lambda tx: tx.subscriptions.all())
        assert "private or reserved address" in (kept.error or "")
        assert kept.secret not in (kept.error or "")
        assert not private.subscribers
    await fetcher.close()
    await store.close()


@pytest.mark.parametrize(("fails", "most"), [(False, 11), (True, 1)])
async def test_who_pushes_every_two_seconds_has_a_feed_polled_no_more_often_than_its_own_pause(
    tmp_path: Path, *, fails: bool, most: int
) -> None:
    clock = FakeClock()
    store = storage.open_store(f"sqlite:///{tmp_path}/w.db", clock=clock)
    fetcher, feed = HttpFetcher(FetchPolicy(), clock), Feed(url="https://wire.example/feed")
    settings = make_settings(feeds=[feed])
    hubs = push.Hubs(store, clock, fetcher, lambda: settings)
    subscription = websub.new_subscription(feed.url, "https://hub.example/", TOPIC, now=clock.now())
    await store.write(lambda tx: tx.feeds.sync([feed.url], now=clock.now()))
    await store.write(lambda tx: tx.subscriptions.want(subscription))

    async def poll() -> int:
        """Poll the feed if it is due: an answer without news, or none at all."""
        claimed = await store.write(
            lambda tx: tx.feeds.claim_due(now=clock.now(), limit=1, token="x", lease=timedelta(minutes=1))
        )
        for state in claimed:
            policy = FetchPolicy()
            answer = Response(status=200, url=feed.url)
            finished = polling.FinishedPoll(state, feed, policy, clock.now(), 0)
            next_state = finished.after_failure("no answer") if fails else finished.after_answer(answer)
            await store.write(partial(lambda state, tx: tx.feeds.save([state], token="x"), next_state))
        return len(claimed)

    await poll()
    polls = 0
    for _ in range(150):
        clock.advance(timedelta(seconds=2))
        await store.write(lambda tx: tx.subscriptions.push(feed.url, at=clock.now()))
        await hubs.poll_for_news()
        polls += await poll()
    assert polls <= most
    if fails:
        fails = False
        clock.advance(timedelta(hours=1))
        assert await poll() == 1
        clock.advance(timedelta(minutes=1))
        await hubs.poll_for_news()
        assert await poll() == 1, "the news that waited is polled for"
    await fetcher.close()
    await store.close()


async def test_a_hub_that_floods_is_dropped_and_the_operator_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path, f"sqlite:///{tmp_path}/wirewatch.db") as running_desk:

        def flood() -> list[int]:
            return [running_desk.hub.publish(TOPIC, b"<rss/>")[0] for _ in range(123)]

        assert await asyncio.to_thread(flood) == [202] * 120 + [410] * 3
        subscription = await running_desk.subscription()
        assert subscription.until is None
        assert "more than 120 times in an hour" in (subscription.error or "")
        await until(lambda: "more than 120 times in an hour" in str(running_desk.world.heads("ops")))


async def test_a_hub_that_does_not_answer_delays_neither_pushes_nor_other_hubs(tmp_path: Path) -> None:
    reached, is_over = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await is_over.wait()
        writer.close()

    clock, policy = SystemClock(), FetchPolicy(allow_private=("127.0.0.0/8",), timeout=timedelta(minutes=10))
    store, fetcher = storage.open_store(f"sqlite:///{tmp_path}/w.db", clock=clock), HttpFetcher(policy, clock)
    # The hubs are private addresses, which only feeds that are private themselves may name.
    feeds = {url: Feed(url=url) for url in (f"https://127.0.0.1/{name}" for name in ("a", "b", "c"))}
    settings = make_settings(public_url="https://watch.example", feeds=feeds.values())
    hubs = push.Hubs(store, clock, fetcher, lambda: settings)
    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    with hub.serve() as good:
        good.asks_back = False
        slow = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/"
        for feed, url in zip(feeds, (slow, good.url, good.url), strict=True):
            subscription = websub.new_subscription(feed, url, feed, now=clock.now())
            await store.write(partial(lambda subscription, tx: tx.subscriptions.want(subscription), subscription))
        await store.write(lambda tx: tx.feeds.sync(feeds, now=clock.now() + timedelta(hours=1)))
        async with asyncio.TaskGroup() as group:
            stop = asyncio.Event()
            every = timedelta(seconds=0.1)
            works = [hubs.poll_for_news, hubs.ask_due]
            jobs = [Job(name=work.__name__, every=every, work=work) for work in works]
            group.create_task(run_jobs(jobs, stop))
            await reached.wait()
            await until(lambda: len(good.subscribers) == 2)
            await store.write(lambda tx: tx.subscriptions.push("https://127.0.0.1/c", at=clock.now()))
            while not await store.read(lambda tx: tx.feeds.count_due(now=clock.now())):  # noqa: ASYNC110 -- another task
                await asyncio.sleep(0.1)
            stop.set()
    is_over.set()
    hanging.close()
    await hanging.wait_closed()
    await fetcher.close()
    await store.close()
