"""The pages in a real Chromium: nothing foreign is loaded, nothing hostile runs, and everybody can read them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright import async_api
from playwright.async_api import async_playwright

from bot.model.feeds import FeedHealth
from bot.model.messages import SendState
from tests.testbed import made
from tests.web.conftest import Page
from tests.web.made import add_long_story
from tests.web.test_pages import judge

CHROMIUM = Path(os.environ.get("WIREWATCH_CHROMIUM", "/usr/bin/chromium"))
#: An existing folder for pictures of all pages, to be looked at.
PICTURES = os.environ.get("WIREWATCH_SCREENSHOTS")
#: No sandbox, since tests run as root in containers; and no name outside is ever found.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PHONE: async_api.ViewportSize = {"width": 390, "height": 844}
DESK: async_api.ViewportSize = {"width": 1280, "height": 900}
PAGES = {
    "overview": "/",
    "brief": "/brief",
    "feeds": "/feeds",
    "stories": "/stories",
    "rules": "/rules",
    "rule": "/rule?name=BlackBerry+in+Pakistan&near=1",
    "outbox": "/outbox",
    "configuration": "/configuration",
    "try": "/try",
    "try-matching": "/try?days=7&rule=name%3A+B%0Aall%3A+%5BBlackBerry%2C+PTA%5D%0Anotify%3A+desk%0A",
    "try-nearly": "/try?days=7&rule=name%3A+W%0Aall%3A+%5Bwombat%2C+BlackBerry%5D%0Anotify%3A+desk%0A",
    "search": "/search?q=backdoor+blackberry",
    "search-wrong": "/search?q=backdoor+AND+%28bes+OR",
    "try-wrong": "/try?rule=name%3A+W%0Aal%3A+%5Bx",
}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(
        not CHROMIUM.exists() and os.environ.get("BROWSER_TEST") != "require",
        reason=f"no Chromium at {CHROMIUM}: apt-get install --no-install-recommends chromium",
    ),
]


@pytest.fixture
async def browser() -> AsyncIterator[async_api.Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=ARGUMENTS)
        yield browser
        await browser.close()


async def find_paths(page: Page) -> dict[str, str]:
    """Fill the pages, and return the paths of all of them."""
    parked = replace(made.sending("parked"), state=SendState.PARKED, error="desk: is_archived: unarchive it")
    rows = [parked, made.sending("waits", views=(made.view("s"),))]
    await page.running.store.write(lambda tx: tx.outbox.add(rows))
    await judge(page, useful=9, noise=2)
    await page.running.store.write(add_long_story)
    stories = await page.running.store.read(lambda tx: tx.stories.since(None))
    broken = await page.running.store.read(lambda tx: tx.feeds.page(health=[FeedHealth.FAILING], skip=0, most=1))
    return {
        **PAGES,
        "story": f"/story/{next(story.id for story in stories if len(story.members) == 3)}",
        "long-story": "/story/long",
        "feed": f"/feed?url={quote(broken[0].url)}",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_every_page_is_readable_and_accessible(
    page: Page, browser: async_api.Browser, size: async_api.ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    tab = await context.new_page()
    hosts: list[str] = []
    complaints: list[str] = []
    tab.on("request", lambda request: hosts.append(urlsplit(request.url).hostname or request.url[:5]))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    for name, path in (await find_paths(page)).items():
        await tab.goto(page.site.url + path)
        if PICTURES:
            await tab.screenshot(path=Path(PICTURES) / f"{name}-{size['width']}-{scheme}.png", full_page=True)
        title = await tab.title()
        assert title.endswith("· Wirewatch"), f"{name}: a script has run: {title}"
        overflow = await tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} pixels too wide"
        small = await tab.evaluate(
            "[...document.querySelectorAll('a, button, summary')].filter(each => each.offsetParent && "
            "!each.closest('.skip') && each.getBoundingClientRect().height < 24).map(each => each.outerHTML)"
        )
        assert small == [], f"{name}: links of less than 24 pixels"
        assert [
            f"{name}: {element['id']}: {element['help']}: {node['html'][:200]}"
            for element in (await Axe().run(tab)).response["violations"]
            for node in element["nodes"]
        ] == []
        if name == "stories" and size == DESK:
            heights = await tab.evaluate("[...document.querySelectorAll('article')].map(each => each.offsetHeight)")
            assert max(heights) <= 400, "a folded story is a card"
        if name == "long-story" and size == PHONE:
            assert await tab.evaluate("document.documentElement.scrollHeight") <= 2_500
    assert set(hosts) <= {"127.0.0.1", "data:"}
    assert complaints == []
