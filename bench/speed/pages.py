"""Measure how long the status page, the API, ``wirewatch status`` and /metrics take with a database of 400 days.

    python -m bench.speed.pages                        1,000,000 articles, 60,000 of them in 20,000 stories, 5,000 feeds
    python -m bench.speed.pages --scale 0.1            a tenth of everything
    python -m bench.speed.pages --articles 200000      this number of articles; stories and feeds as by default

The data are made up. The pages are requested over HTTP from the running site.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import structlog
from msgspec.structs import replace

from bot import app, config, storage
from bot.app import runtime
from bot.app.runtime import App
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.feeds import FeedState, Rhythm, Validators
from bot.model.messages import Receipt, SendState
from bot.model.stories import Article, Join, JoinReason, Member, Story, StoryId
from bot.queries.registry import Parameters, QueryRunner
from bot.queries.status import STATUS
from bot.storage import keys
from bot.web import server
from tests.testbed import made
from tests.testbed.fakes import START, FakeClock

DAYS = 400
ARTICLES, STORIES, MEMBERS, FEEDS, RULES = 1_000_000, 20_000, 3, 5_000, 40
#: One story in so many is a large one.
LARGE_EVERY, LARGE = 200, 40
PAGES = (
    "/",
    "/stories",
    "/stories?days=90",
    "/stories?days=90&page=20",
    "/stories?days=90&rule=Rule+7",
    "/feeds",
    "/feeds?show=failing",
    "/feeds?page=30",
    "/rules",
    "/outbox",
    "/metrics",
    "/story/s200",
    "/rule?name=Rule+7",
    "/search?q=operators+month",
    "/search?q=w777",
    "/feeds/all.atom",
    "/feeds/rule.json?name=Rule+7",
    "/api/v1/stories",
    "/api/v1/stories?rule=Rule+7&since=90d",
    "/api/v1/stories?rule=Rule+7",
    "/api/v1/stories/s200",
    "/api/v1/articles",
    "/api/v1/articles?rule=Rule+7",
    "/api/v1/search?q=operators+month",
    "/api/v1/search?q=w777",
    "/api/v1/search?q=operators+NOT+Wednesday",
    "/api/v1/rules?limit=100",
    "/api/v1/rules/Rule%207",
    "/api/v1/feeds?limit=100",
    "/api/v1/explain?text=subject7",
)
TEXT = "The regulator said on Wednesday that operators have until the end of the month to reply to its order. " * 6


def configure(folder: Path, feeds: int) -> None:
    (folder / "rules").mkdir(parents=True)
    (folder / "bot.yaml").write_text(f"database: sqlite:///{folder}/pages.db\nchannels: {{desk: {{kind: console}}}}\n")
    (folder / "feeds.yaml").write_text("feeds:\n" + "".join(f"  - {feed_url(number)}\n" for number in range(feeds)))
    rules = "".join(f"  - {{name: Rule {n}, any: [subject{n}], notify: desk}}\n" for n in range(RULES))
    (folder / "rules" / "desk.yaml").write_text(f"rules:\n{rules}")


def feed_url(number: int) -> str:
    return f"https://host{number}.example/feed"


def article(number: int, *, of: int, feeds: int) -> Article:
    """``number`` of ``of``, evenly over the days."""
    base = made.article(f"a{number}", feed=feed_url(number % feeds), minutes=-(of - number) * DAYS * 1440 // of)
    return replace(base, text=f"{TEXT} w{number % 9_973}", outlet=f"Outlet {number % 97}", owner=f"Owner {number % 61}")


def story(number: int, members: Sequence[Article]) -> Story:
    story_id = StoryId(f"s{number}")
    return Story(
        id=story_id,
        title=f"Story {number}: operators asked to reply",
        first_seen=members[0].first_seen,
        last_seen=members[-1].first_seen,
        members=tuple(
            Member(
                article=member,
                join=Join(story=story_id, article=member.id, reason=JoinReason.SIMILAR, detail="title 0.61"),
                matches=(made.match(f"Rule {number % RULES}", "regulator", "operators"),),
            )
            for member in members
        ),
    )


def state(number: int, feeds: int) -> FeedState:
    """One feed in fifty fails."""
    is_failing = number % 50 == 0
    return FeedState(
        url=feed_url(number),
        title=f"Feed {number} of {feeds}",
        due_at=START,
        baseline_at=START - timedelta(days=DAYS),
        ok_at=START,
        rhythm=Rhythm(arrivals=tuple(START - timedelta(hours=hour) for hour in range(50, 0, -1)), new_at=START),
        validators=Validators(item_hashes=tuple(f"{number:08x}{item:08x}" for item in range(30))),
        failures=3 if is_failing else 0,
        failing_since=START if is_failing else None,
        error="503 Service Unavailable" if is_failing else None,
    )


async def fill(running: App, *, articles: int, stories: int, feeds: int) -> None:
    written = [article(number, of=articles, feeds=feeds) for number in range(articles)]
    store = running.store
    for start in range(0, articles, 2_000):
        part = written[start : start + 2_000]
        await store.write(partial(_add, articles=part))
    await store.write(lambda tx: tx.feeds.save([state(number, feeds) for number in range(feeds)]))
    for start in range(0, stories, 500):
        numbers = range(start, min(stories, start + 500))
        whole = [story(number, _members_of(number, written, stories)) for number in numbers]
        await store.write(partial(_write, stories=whole))
    await store.write(lambda tx: keys.TICK.put(tx, START))


def _add(tx: storage.Transaction, articles: Sequence[Article]) -> None:
    tx.articles.add(articles)


def _members_of(number: int, written: Sequence[Article], stories: int) -> Sequence[Article]:
    step = len(written) // stories
    size = LARGE if number % LARGE_EVERY == 0 else MEMBERS
    return written[number * step : number * step + size]


def _write(tx: storage.Transaction, stories: Sequence[Story]) -> None:
    for story in stories:
        for member in story.members:
            tx.articles.add_matches(member.article.id, member.matches)
        tx.stories.save(story)
    receipt = Receipt(ref="1", place="desk", sent_at=START)
    rows = [made.sending(f"send {story.id}", story=story.id, views=(made.view(story.id),)) for story in stories]
    tx.outbox.add([replace(row, state=SendState.SENT, receipt=receipt) for row in rows])
    tx.stories.decide([_decision(story) for story in stories])


def _decision(story: Story) -> Decision:
    return Decision(
        at=story.first_seen,
        story=story.id,
        channel="desk",
        action=AlertAction.POST,
        reason=Reason.FIRST_REPORT,
        rules=story.rules,
    )


async def timed(work: Callable[[], Awaitable[object]], *, times: int) -> float:
    """Return the median in milliseconds."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        took.append(1_000 * (time.perf_counter() - begun))
    return statistics.median(took)


async def measure(folder: Path, *, articles: int, scale: float, times: int) -> list[tuple[str, float]]:
    feeds = int(FEEDS * scale)
    configure(folder, feeds)
    environment = app.Environment(environ={}, clock=FakeClock(START + timedelta(seconds=1)))
    async with runtime.opened(app.load(folder, {}), environment) as running:
        await fill(running, articles=articles, stories=int(STORIES * scale), feeds=feeds)
        return await _ask(running, times=times)


async def _ask(running: App, *, times: int) -> list[tuple[str, float]]:
    listen = config.WebSettings(listen="127.0.0.1:0")
    site = server.open_site(running, listen, {})
    stop = asyncio.Event()
    medians: list[tuple[str, float]] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(site.serve(stop))
        async with httpx.AsyncClient(base_url=site.url, timeout=120) as client:
            for page in PAGES:
                answer = await client.get(page)
                answer.raise_for_status()
                medians.append((page, await timed(partial(client.get, page), times=times)))
        stop.set()
    look = partial(QueryRunner(running).run, STATUS, Parameters())
    medians.append(("wirewatch status, reading", await timed(look, times=times)))
    return medians


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scale", type=float, default=1)
    options.add_argument("--articles", type=int)
    options.add_argument("--times", type=int, default=5)
    chosen = options.parse_args(arguments)
    articles = chosen.articles or int(ARTICLES * chosen.scale)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as place:
        run = measure(Path(place) / "config", articles=articles, scale=chosen.scale, times=chosen.times)
        medians = asyncio.run(run)
    size = f"{articles:,} articles, {int(STORIES * chosen.scale):,} stories of {DAYS} days"
    print(f"{size}, {int(FEEDS * chosen.scale):,} feeds; milliseconds, median of {chosen.times}")
    for name, median in medians:
        print(f"{name:40}{median:>10.0f}")


if __name__ == "__main__":
    main()
