"""The site in a real Chromium: readable on a phone and with a screen reader, without requests to other servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright import async_api

from tests.testbed.servers.quiet import serving_with
from tests.web import test_browser

pytestmark = [*test_browser.pytestmark, pytest.mark.long]

#: A page of each kind: prose, tables of the program's own, lists of messages, long code, wide tables.
PAGES = ["index", "start", "reference/keys", "troubleshooting", "container", "channels"]


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(site), **kwargs)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving_with(Handler) as server_address:
        yield server_address


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
        report = await Axe().run(tab)
        serious = [
            violation for violation in report.response["violations"] if violation["impact"] in ("serious", "critical")
        ]
        assert [(name, violation["id"], violation["nodes"][0]["target"]) for violation in serious] == []
    assert set(hosts) <= {"127.0.0.1", "blob:", "data:"}
    assert complaints == []
