"""The site in a real Chromium: readable on a phone, with a screen reader and without a way out, and searched."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright import async_api

from tests.web import test_browser

pytestmark = [*test_browser.pytestmark, pytest.mark.long]

#: A page of each kind: prose, tables of the program's own, lists of messages, long code, wide tables.
PAGES = ["index", "start", "reference/keys", "troubleshooting", "container", "channels"]
#: A key, an answer of Slack's, two words, a metric; and a page that each must lead to.
SOUGHT = {
    "per_host": "keys.html",
    "not_in_channel": "channel-answers.html",
    "quiet hours": "keys.html",
    "wirewatch_feeds": "metrics.html",
}


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(site), **kwargs)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
async def browser() -> AsyncIterator[async_api.Browser]:
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(test_browser.CHROMIUM), headless=True, args=test_browser.ARGUMENTS
        )
        yield browser
        await browser.close()


@pytest.mark.parametrize(
    ("size", "scheme"), [(test_browser.PHONE, "dark"), (test_browser.DESK, "light")], ids=["phone", "desk"]
)
async def test_every_kind_of_page_is_readable_accessible_and_asks_nobody_else(
    address: str, browser: async_api.Browser, size: async_api.ViewportSize, scheme: str
) -> None:
    tab, hosts, complaints = await test_browser.opened(browser, size=size, scheme=scheme)
    for name in PAGES:
        await tab.goto(f"{address}/{name}.html")
        width = await tab.evaluate("document.documentElement.scrollWidth")
        assert (name, width) == (name, size["width"])
        found = await Axe().run(tab)
        serious = [each for each in found.response["violations"] if each["impact"] in ("serious", "critical")]
        assert [(name, each["id"], each["nodes"][0]["target"]) for each in serious] == []
    assert set(hosts) <= {"127.0.0.1", "blob:", "data:"}
    assert complaints == []


@pytest.mark.parametrize("size", [test_browser.PHONE, test_browser.DESK], ids=["phone", "desk"])
async def test_a_word_that_is_typed_into_the_search_finds_its_page(
    address: str, browser: async_api.Browser, size: async_api.ViewportSize
) -> None:
    tab, hosts, complaints = await test_browser.opened(browser, size=size)
    for words, page in SOUGHT.items():
        await tab.goto(f"{address}/index.html")
        await _search(tab, words, told="matching")
        await tab.locator(f".md-search-result__list a[href*='{page}']").first.click()
        await tab.wait_for_url(re.compile(re.escape(page)))
    assert set(hosts) <= {"127.0.0.1", "blob:", "data:"}
    assert complaints == []


async def test_a_word_that_stands_nowhere_finds_nothing_and_says_so(address: str, browser: async_api.Browser) -> None:
    tab, _, _ = await test_browser.opened(browser, size=test_browser.DESK)
    await tab.goto(f"{address}/index.html")
    await _search(tab, "xylophonequux", told="No matching documents")


async def _search(tab: async_api.Page, words: str, *, told: str) -> None:
    field = tab.locator("input.md-search__input")
    glass = tab.locator("label.md-header__button[for=__search]")
    # On a phone the field is behind a magnifying glass.
    await (glass if await glass.is_visible() else field).click()
    await async_api.expect(field).to_be_focused()
    await field.press_sequentially(words)
    # "Type to start searching" stands there first.
    await async_api.expect(tab.locator(".md-search-result__meta")).to_contain_text(told)
