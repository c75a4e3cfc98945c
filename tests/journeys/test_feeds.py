"""Feeds of every kind: a page without a feed, a moved feed, a newsletter, a private feed, a squatted link, a footer."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bot import config
from bot.app.environment import SystemClock
from bot.fetch.client import HttpFetcher
from bot.model.settings import FetchPolicy
from tests.feeds.test_mails import mail
from tests.fetch.conftest import POLICY
from tests.journeys import world as worlds
from tests.journeys.test_buttons import until
from tests.journeys.test_language_model import running
from tests.journeys.world import Item, watching, world
from tests.testbed.fakes import START
from tests.testbed.servers import imap
from tests.testbed.servers.feeds import TLS, Reply

ITEM = '<li class="entry"><h2><a href="/news/{n}">{title}</a></h2><span class="day">{n} December 2015</span></li>'
OLD = [f"The office is closed on Friday number {n}" for n in range(1, 5)]
PAGE_NEWS = "BlackBerry quits Pakistan after PTA sought backdoor into BES"


def page(*titles: str, item: str = ITEM) -> bytes:
    items = "".join(item.format(n=n, title=title) for n, title in enumerate(titles, 1))
    return f"<html lang=en><head><title>Regulator</title></head><body><ul id=news>{items}</ul></body></html>".encode()


async def test_a_page_becomes_a_slack_message_and_a_rebuilt_page_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as setup:
        setup.configure()
        address = setup.outlets.url("/news")
        setup.outlets.serve("/news", page(*OLD))
        added = await setup.call("feeds", "add", address)
        assert "li.entry" in added.stdout
        assert OLD[0] in added.stdout
        [feed] = yaml.safe_load((tmp_path / "feeds.yaml").read_text())["feeds"]
        assert (feed["kind"], feed["item"], feed["date"]) == ("page", "li.entry", "span.day")
        await setup.once()
        setup.outlets.serve("/news", page(PAGE_NEWS, *OLD))
        await setup.once()
        [post] = setup.heads()
        assert PAGE_NEWS in str(post)
        setup.outlets.serve("/news", page(PAGE_NEWS, *OLD, item=ITEM.replace("entry", "teaser")))
        for _ in range(6):
            await setup.once(minutes=90)
        text = "".join(map(str, setup.heads("ops")))
        assert "li.entry" in text
        assert "li.teaser" in text


async def test_a_permanent_redirect_that_stays_is_told_once_and_shown_in_status(tmp_path: Path) -> None:
    async with worlds.world(tmp_path) as setup:
        setup.configure("old")
        new = setup.outlets.url("/new.xml")
        setup.outlets.serve("/new.xml", worlds.rss("old", worlds.Item(id="1", title="A", text="B")))
        setup.outlets.serve("/old.xml", Reply.redirect(new, status=301))

        async def remarks() -> list[str]:
            [feed] = json.loads((await setup.call("status", "--json")).stdout)["feeds"]
            return [*(problem["text"] for problem in feed["problems"]), *feed["remarks"]]

        await setup.once()
        assert await remarks() == [f"redirected permanently to {new}, seen once"]
        assert setup.heads("ops") == []
        for _ in range(6):
            await setup.once()
        notices = [str(message) for message in setup.heads("ops") if "has moved permanently" in str(message)]
        assert len(notices) == 1
        assert "write that address into feeds.yaml" in notices[0]
        assert await remarks() == [
            f"has moved permanently to {new} and is polled there; write that address into feeds.yaml"
        ]


def client(environ: Mapping[str, str], policy: FetchPolicy = POLICY) -> HttpFetcher:
    tls = ssl.create_default_context(cafile=TLS / "ca.pem")
    return HttpFetcher(
        policy,
        SystemClock(),
        tls=tls,
        resolve=lambda host, port: ("127.0.0.1",),
        secret_of=lambda secret: config.resolve_secret(secret, environ),
    )


async def test_a_newsletter_is_posted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with imap.serve() as box, world(tmp_path) as setup:
        setup.configure()
        setup.environ["MAIL_PASSWORD"] = imap.PASSWORD
        feed = (
            f"feeds:\n  - url: imap://feeds.test:{box.port}/INBOX\n    kind: imap\n    owner: wire\n"
            f"    every: 1 second\n    auth: {{basic: {{user: {imap.USER}, password: env:MAIL_PASSWORD}}}}\n"
        )
        (setup.folder / "feeds.yaml").write_text(feed)
        async with running(setup, client(setup.environ)):
            while not any(feed.baseline_at for feed in await setup.read(lambda tx: tx.feeds.all())):  # noqa: ASYNC110 - a poll
                await asyncio.sleep(0.1)
            newsletter = mail(NEWS.title, html=f"<html><body><h2>{NEWS.title}</h2><p>{NEWS.text}</p></body></html>")
            del newsletter["Date"]
            await asyncio.to_thread(box.deliver, newsletter)
            await until(setup.heads)
        [post] = setup.heads()
        assert NEWS.title in str(post)
        captured = capfd.readouterr()
        assert imap.PASSWORD not in f"{setup.heads()}{setup.heads('ops')}{captured.out}{captured.err}"
        assert not holding(tmp_path, imap.PASSWORD.encode())


SECRET = "open-sesame-9271"


async def test_a_private_feeds_news_is_posted_and_its_secret_is_kept_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with world(tmp_path) as setup:
        setup.configure("wire")
        setup.environ["WIRE_TOKEN"] = SECRET
        address = setup.outlets.url("/wire.xml")
        feed = f'feeds:\n  - {{url: "{address}", owner: wire, auth: {{bearer: env:WIRE_TOKEN}}}}\n'
        (setup.folder / "feeds.yaml").write_text(feed)
        await setup.once()
        await setup.poll("wire", NEWS)
        [post] = setup.heads()
        assert NEWS.title in str(post)
        assert {request.headers["authorization"] for request in setup.outlets.seen("/wire.xml")} == {f"Bearer {SECRET}"}
        captured = capfd.readouterr()
        assert SECRET not in captured.out + captured.err
        assert not holding(tmp_path, SECRET.encode())


def holding(folder: Path, text: bytes) -> list[Path]:
    """The database's files with the text."""
    files = list(folder.glob("wirewatch.db*"))
    assert files
    return [path for path in files if text in path.read_bytes()]


LINK = "https://wire.example/world/blackberry"
NEWS = Item(
    id="w1",
    title="BlackBerry quits Pakistan after PTA sought backdoor into BES",
    text="The Pakistan Telecommunication Authority had asked for unfettered access to BlackBerry Enterprise Servers.",
    at=START,
    link=LINK,
)
CATS = Item(id="s1", title="Cat pictures", text="Cats.", link=LINK)


async def test_a_feed_that_lists_anothers_link_first_silences_nothing(tmp_path: Path) -> None:
    async with watching(tmp_path, "squat", "wire") as setup:
        for _ in range(3):
            await setup.poll("squat", CATS)
        await setup.poll("wire", NEWS)
        assert len(setup.heads()) == 1
        await setup.poll("squat", replace(CATS, title="BlackBerry quits nothing, PTA sought no backdoor into BES"))
        [post] = setup.heads()
        assert "BlackBerry quits Pakistan after PTA sought backdoor into BES" in str(post)
        corrected = [reply for reply in setup.replies() if "Cat pictures" in str(reply)]
        assert not corrected, "a feed's change of its own text does not correct another feed's"


FOOTER = "Read our guide to the PTA, BlackBerry and every backdoor."


async def test_a_footer_that_holds_the_words_of_a_rule_stops_matching_once_it_is_known(tmp_path: Path) -> None:
    async with watching(tmp_path / "config", "wire") as setup:
        for number in range(6):
            text = f"<p>A report of the weather on day {number}.</p><p>{FOOTER}</p>"
            setup.publish(
                "wire", Item(id=str(number), title=f"Weather for day {number}", text=text, at=setup.clock.now())
            )
            await setup.once()
        members = [member.article for story in await setup.stories() for member in story.members]
        assert sorted(article.title for article in members) == [f"Weather for day {number}" for number in range(3)]
        stored = await setup.read(lambda tx: list(tx.articles.archive(since=START)))
        assert [article.left_out for article in stored] == [(), (), (), (FOOTER,), (FOOTER,), (FOOTER,)]
        assert all("A report of the weather" in article.text for article in stored)
