"""The articles whose own pages are read."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot import rules, storage
from bot.fetch import parsing
from bot.model.feeds import Feed, FeedState, FullText
from bot.model.fetching import PageText, Request, Response
from bot.model.rules import Rule
from bot.model.settings import FetchPolicy
from bot.pipeline import poll
from bot.pipeline.poll import Poller
from tests.feeds.documents import URL, item, rss
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings

RULE = Rule(name="Ship lost", notify=("desk",), query="ship AND lost")


class OneAnswer:
    """A server that has this document."""

    def __init__(self, body: str) -> None:
        self._body = body.encode()

    async def get(self, request: Request) -> Response:
        return Response(status=200, url=request.url, body=self._body, content_type="")

    async def close(self) -> None:
        """Nothing is open."""


class Pages:
    def __init__(self, seconds: float = 0) -> None:
        self.asked: list[str] = []
        self._seconds = seconds

    async def text_of(self, url: str, feed: Feed) -> PageText | None:
        await asyncio.sleep(self._seconds)
        self.asked.append(url)
        return PageText(text=f"All of {url}")


async def _find_requests(store: storage.Store, full_text: FullText, *items: str, seconds: float = 0) -> list[str]:
    feed = Feed(url=URL, full_text=full_text)
    pages = Pages(seconds)
    fetcher, documents = OneAnswer(rss(*items)), parsing.make_reader(FetchPolicy(readers=0))
    poller = Poller(fetcher=fetcher, documents=documents, pages=pages, store=store, clock=FakeClock())
    settings = make_settings(feeds=[feed], rules=[rules.compile_rule(RULE)])
    polled = await poller.poll(FeedState(url=URL, due_at=START), settings)
    assert polled.error is None
    assert list(polled.pages) == pages.asked
    return [link.rpartition("/")[2] for link in pages.asked]


@pytest.mark.parametrize(
    ("full_text", "asked"),
    [(FullText.NEVER, []), (FullText.WHEN_NEEDED, ["2", "3"]), (FullText.ALWAYS, ["1", "2", "3", "4"])],
)
async def test_a_page_is_read_where_the_teaser_is_cut_or_a_rule_has_part_of_what_it_needs(
    store: storage.Store, full_text: FullText, asked: list[str]
) -> None:
    items = [
        item(1, body="A ferry is late."),
        item(2, body="A ferry is late and […]"),
        item(3, body="A ship is late."),
        item(4, body="A ship is lost."),
    ]
    assert await _find_requests(store, full_text, *items) == asked


async def test_a_feed_of_very_many_pages_holds_its_poll_for_a_bounded_time(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "PAGES_WITHIN", timedelta(seconds=0.5))
    request = await _find_requests(store, FullText.ALWAYS, *map(item, range(40)), seconds=0.05)
    assert 1 <= len(request) <= 10
