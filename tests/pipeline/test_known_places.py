"""Known places over a real server: shapes such as they send, written for these tests, and their outages and limits."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot import app
from bot.app import runtime
from bot.app.runtime import App, OnceReport
from bot.fetch.client import HttpFetcher
from bot.model.feeds import FeedState
from tests.config import folders
from tests.testbed.elsewhere import Elsewhere
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.feeds import FeedServer, Reply

YOUTUBE_ID = "youtube:UC16niRr50-MSBwiO3YDb3RA"
CHANNEL = "/www.youtube.com/feeds/videos.xml?channel_id=UC16niRr50-MSBwiO3YDb3RA"
YOUTUBE = """<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">
<title>News channel</title><entry><id>yt:video:AAAAAAAAAAA</id><title>PTA and the backdoor</title>
<link rel="alternate" href="https://www.youtube.com/watch?v=AAAAAAAAAAA"/>
<published>2015-12-02T08:00:00+00:00</published></entry></feed>"""
HANDLE_PAGE = (
    "<html><head><title>News channel - YouTube</title><link rel='alternate' type='application/rss+xml' title='RSS'"
    " href='https://www.youtube.com/feeds/videos.xml?channel_id=UC16niRr50-MSBwiO3YDb3RA'></head><body></body></html>"
)
TELEGRAM = """<html><body><div class="tgme_widget_message_wrap"><div class="tgme_widget_message" data-post="telegram/7">
<div class="tgme_widget_message_text js-message_text">The PTA wants a back<b>door</b>.<br/><br/>It wrote in July.</div>
<a class="tgme_widget_message_date" href="https://t.me/telegram/7"><time datetime="2015-12-02T08:00:00+00:00">08:00
</time></a></div></div><div class="tgme_widget_message_wrap"><div class="tgme_widget_message" data-post="telegram/8">
<a class="tgme_widget_message_photo_wrap" href="https://t.me/telegram/8"></a></div></div></body></html>"""
MASTODON = """<rss version="2.0"><channel><title>Reporter</title><item>
<guid>https://mozilla.social/@Mozilla/11</guid><link>https://mozilla.social/@Mozilla/11</link>
<pubDate>Wed, 02 Dec 2015 08:00:00 +0000</pubDate>
<description>&lt;p&gt;A backdoor into BES is asked for.&lt;/p&gt;</description></item></channel></rss>"""
REDDIT = """<feed xmlns="http://www.w3.org/2005/Atom"><title>newest</title><entry><id>t3_aaaaaa</id>
<content type="html">&lt;p&gt;The order is from July.&lt;/p&gt; submitted by /u/somebody</content>
<link href="https://www.reddit.com/r/pakistan/comments/aaaaaa/pta/"/><updated>2015-12-02T08:00:00+00:00</updated>
<title>PTA asks for a backdoor</title></entry></feed>"""
SEARCH = (
    "/api.gdeltproject.org/api/v2/doc/doc?query=PTA&mode=artlist&format=rss&sort=datedesc&maxrecords=250&timespan=1d"
)
SUBREDDIT = "/www.reddit.com/r/{}/new/.rss"
BOT = "channels: {desk: {kind: console}}\noperator: desk\nfetch: {readers: 0, allow_private: [127.0.0.0/8]}\n"


@dataclass(frozen=True, kw_only=True)
class Desk:
    server: FeedServer
    clock: FakeClock
    running: App

    async def pass_once(self, minutes: int = 60, *, everything: bool = True) -> OnceReport:
        self.clock.advance(timedelta(minutes=minutes))
        return await self.running.once(everything=everything, drain=timedelta())

    async def state(self) -> FeedState:
        [state] = await self.running.store.read(lambda tx: tx.feeds.all())
        return state


@contextlib.asynccontextmanager
async def desk(folder: Path, *feeds: str) -> AsyncIterator[Desk]:
    lines = "".join(f"  - {feed}\n" for feed in feeds)
    rules = "rules:\n  - {name: R, any: [backdoor*], notify: desk, must_match: [a backdoor], must_not_match: [x]}\n"
    folders.make(folder, bot=f"database: sqlite:///{folder}/w.db\n{BOT}", feeds=f"feeds:\n{lines}", rules=rules)
    clock = FakeClock()
    settings = app.load(folder, {})
    assert not [problem for problem in settings.problems if problem.severity == "error"]
    async with FeedServer() as server:
        fetcher = HttpFetcher(settings.bot.fetch, clock)
        environment = app.Environment(environ={}, clock=clock, fetcher=Elsewhere(fetcher, server))
        async with runtime.opened(settings, environment) as running:
            yield Desk(server=server, clock=clock, running=running)


#: What feeds.yaml names, the path of its request, the answer, and the title and the link of its article.
PLACES = [
    (YOUTUBE_ID, CHANNEL, YOUTUBE, "PTA and the backdoor", "https://www.youtube.com/watch?v=AAAAAAAAAAA"),
    ("telegram:telegram", "/t.me/s/telegram", TELEGRAM, "The PTA wants a backdoor.", "https://t.me/telegram/7"),
    (
        "mastodon:@Mozilla@mozilla.social",
        "/mozilla.social/@Mozilla.rss",
        MASTODON,
        "A backdoor into BES is asked for.",
        "https://mozilla.social/@Mozilla/11",
    ),
    (
        "reddit:r/pakistan",
        SUBREDDIT.format("pakistan"),
        REDDIT,
        "PTA asks for a backdoor",
        "https://www.reddit.com/r/pakistan/comments/aaaaaa/pta/",
    ),
]


async def test_what_each_place_sends_becomes_an_article_in_a_story(tmp_path: Path) -> None:
    async with desk(tmp_path, *(written for written, *_ in PLACES)) as running_desk:
        for _, path, answer, _, _ in PLACES:
            running_desk.server.serve(path, answer.encode())
        await running_desk.pass_once()
        # A place that paces its requests may have postponed its feed.
        await running_desk.pass_once(minutes=2, everything=False)
        store = running_desk.running.store
        stories = await store.read(lambda tx: tx.stories.since(None))
        articles = {member.article.link: member.article for story in stories for member in story.members}
        assert {link: article.title for link, article in articles.items()} == {
            link: title for _, _, _, title, link in PLACES
        }
        assert [article.published and article.published.hour for article in articles.values()] == [8] * len(PLACES)
        assert [state.error for state in await store.read(lambda tx: tx.feeds.all())] == [None] * len(PLACES)
        assert all(len(running_desk.server.seen(path)) == 1 for _, path, *_ in PLACES)


async def test_a_handle_is_looked_up_once_and_its_feed_is_polled_from_then_on(tmp_path: Path) -> None:
    async with desk(tmp_path, "youtube:@BBCNews") as running_desk:
        running_desk.server.serve("/www.youtube.com/@BBCNews", HANDLE_PAGE.encode())
        running_desk.server.serve(CHANNEL, YOUTUBE.encode())
        for _ in range(3):
            await running_desk.pass_once()
        assert len(running_desk.server.seen("/www.youtube.com/@BBCNews")) == 1
        assert len(running_desk.server.seen(CHANNEL)) == 3
        assert (await running_desk.state()).reported == ()
        # The channel is another one now: after three failures its page is asked again.
        running_desk.server.serve(CHANNEL, Reply(status=404))
        for _ in range(4):
            await running_desk.pass_once()
        assert len(running_desk.server.seen("/www.youtube.com/@BBCNews")) == 2
        assert "if-none-match" not in running_desk.server.seen("/www.youtube.com/@BBCNews")[-1].headers


async def test_an_outage_that_looks_like_404_is_reported_after_a_day_and_the_feed_is_still_polled(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, YOUTUBE_ID) as running_desk:
        running_desk.server.serve(CHANNEL, YOUTUBE.encode())
        await running_desk.pass_once()
        running_desk.server.serve(CHANNEL, Reply(status=404))
        for _ in range(6):
            await running_desk.pass_once()
        state = await running_desk.state()
        assert (state.failures, state.reported) == (6, ())
        assert "outages" in str(state.error)
        for _ in range(10):
            await running_desk.pass_once(minutes=2 * 60)
        assert (await running_desk.state()).reported == ("broken",)
        running_desk.server.serve(CHANNEL, YOUTUBE.encode())
        await running_desk.pass_once()
        assert (await running_desk.state()).reported == ()


async def test_a_limit_is_recognised_in_the_form_of_each_host(tmp_path: Path) -> None:
    feeds = ("gdelt:PTA", "reddit:r/pakistan", "github:django/django")
    async with desk(tmp_path, *feeds) as running_desk:
        reset_at = running_desk.clock.now() + timedelta(hours=1, minutes=30)
        resets = {
            SUBREDDIT.format("pakistan"): 1800,
            "/github.com/django/django/releases.atom": reset_at.timestamp(),
        }
        for path, reset in resets.items():
            headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(reset))}
            running_desk.server.serve(path, Reply(status=403, headers=headers))
        running_desk.server.serve(SEARCH, b"Please limit requests to one every 5 seconds or contact us.")
        await running_desk.pass_once()
        states = await running_desk.running.store.read(lambda tx: tx.feeds.all())
        search, *others = sorted(states, key=lambda state: "gdelt" not in state.url)
        assert str(search.error).startswith("429")
        assert search.retry_after
        waits = [state.retry_after - running_desk.clock.now() for state in others if state.retry_after]
        assert len(waits) == 2
        assert all(timedelta(minutes=29) < wait <= timedelta(minutes=30) for wait in waits)


async def test_feeds_of_a_host_with_a_pace_are_polled_one_after_another(tmp_path: Path) -> None:
    paths = {f"reddit:r/sub{n}": SUBREDDIT.format(f"sub{n}") for n in range(4)}
    async with desk(tmp_path, *paths) as running_desk:
        for path in paths.values():
            running_desk.server.serve(path, REDDIT.encode())
        began = running_desk.clock.now()
        for _ in range(12):
            await running_desk.pass_once(everything=False, minutes=0)
            running_desk.clock.advance(timedelta(seconds=30))
            if len(running_desk.server.requests) == len(paths):
                break
        assert {request.path for request in running_desk.server.requests} == {*paths.values()}
        assert running_desk.clock.now() - began > timedelta(seconds=61 * 3)
        states = await running_desk.running.store.read(lambda tx: tx.feeds.all())
        assert all(state.failures == 0 and state.baseline_at for state in states)
