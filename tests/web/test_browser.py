"""The pages in a real Chromium: nothing foreign is loaded, nothing hostile runs, and everybody can read them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
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
#: Where the pictures are kept to be looked at; else they go with the test.
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
TRY = "/try?days=7&rule=name%3A+W%0Aall%3A+%5Bwombat%2C+BlackBerry%5D%0Anotify%3A+desk%0A"
MATCHING = "/try?days=7&rule=name%3A+B%0Aall%3A+%5BBlackBerry%2C+PTA%5D%0Anotify%3A+desk%0A"
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
    "try-matching": MATCHING,
    "try-nearly": TRY,
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


async def opened(
    browser: async_api.Browser, *, size: async_api.ViewportSize, scheme: str = "light"
) -> tuple[async_api.Page, list[str], list[str]]:
    """A tab, the hosts that it asks, and what it complains of."""
    context = await browser.new_context(
        viewport=size, color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
    )
    tab = await context.new_page()
    hosts: list[str] = []
    complaints: list[str] = []
    tab.on("request", lambda request: hosts.append(urlsplit(request.url).hostname or request.url[:5]))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    return tab, hosts, complaints


async def _picture(tab: async_api.Page, path: Path) -> None:
    try:
        await tab.screenshot(path=path, full_page=True)
    except async_api.Error:  # "Unable to capture screenshot": on a busy machine the first may fail
        await tab.screenshot(path=path, full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_every_page_is_readable_and_accessible(
    page: Page, browser: async_api.Browser, size: async_api.ViewportSize, scheme: str, tmp_path: Path
) -> None:
    folder = Path(PICTURES) if PICTURES else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    parked = replace(made.sending("parked"), state=SendState.PARKED, error="desk: is_archived: unarchive it")
    rows = [parked, made.sending("waits", views=(made.view("s"),))]
    await page.running.store.write(lambda tx: tx.outbox.add(rows))
    await judge(page, useful=9, noise=2)
    await page.running.store.write(add_long_story)
    tab, hosts, complaints = await opened(browser, size=size, scheme=scheme)
    listed = await page.running.store.read(lambda tx: tx.stories.since(None))
    output = next(item for item in listed if len(item.members) == 3)
    broken = (await page.running.store.read(lambda tx: tx.feeds.page(health=[FeedHealth.FAILING], skip=0, most=1)))[0]
    for name, path in {
        **PAGES,
        "story": f"/story/{output.id}",
        "long-story": "/story/long",
        "feed": f"/feed?url={quote(broken.url)}",
    }.items():
        await tab.goto(page.site.url + path)
        if name == "stories" and size == DESK:
            heights = await tab.evaluate("[...document.querySelectorAll('article')].map(each => each.offsetHeight)")
            assert max(heights) <= 400, "a folded story is a card"
        await _picture(tab, folder / f"{name}-{size['width']}-{scheme}.png")
        title = await tab.title()
        assert title.endswith("· Wirewatch"), f"{name}: a script has run: {title}"
        overflow = await tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} pixels too wide"
        small = await tab.evaluate(
            "[...document.querySelectorAll('a, button, summary')].filter(each => each.offsetParent && "
            "!each.closest('.skip') && each.getBoundingClientRect().height < 24).map(each => each.outerHTML)"
        )
        assert small == [], f"{name}: links of less than 24 pixels"
        result = (await Axe().run(tab)).response["violations"]
        violations = [
            f"{name}: {element['id']}: {element['help']}: {node['html'][:200]}"
            for element in result
            for node in element["nodes"]
        ]
        assert violations == []
        if name == "long-story" and size == PHONE:
            assert await tab.evaluate("document.documentElement.scrollHeight") <= 2_500
    assert set(hosts) <= {"127.0.0.1", "data:"}
    assert complaints == []


async def test_a_page_of_another_site_runs_no_rule_and_reads_nothing(page: Page, browser: async_api.Browser) -> None:
    """Another port of this machine is another site's page as good as any: by image, script, form, frame and link."""
    rule = "/try?rule=name%3A+Mine%0Aall%3A+%5BBlackBerry%2C+PTA%5D%0Anotify%3A+desk%0A"
    ours = page.site.url
    body = (
        f"<img src='{ours}{rule}'><iframe src='{ours}{rule}'></iframe><link rel=stylesheet href='{ours}/style.css'>"
        f"<a href='{ours}{rule}'>follow</a><script>fetch('{ours}{rule}', {{mode: 'no-cors'}}).catch(() => 0)</script>"
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + body.encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as evil:
        port = evil.sockets[0].getsockname()[1]
        tab, _, _ = await opened(browser, size=DESK)
        codes: list[int] = []
        tab.on("response", lambda response: codes.append(response.status) if response.url.startswith(ours) else None)
        ended: list[str] = []
        for event in ("requestfinished", "requestfailed"):
            tab.on(event, lambda request: ended.append(request.url) if request.url.startswith(ours) else None)
        await tab.goto(f"http://127.0.0.1:{port}/")
        await tab.wait_for_load_state("networkidle")
        assert len(ended) == 4
        # A refusal that may not be shown appears as a failure.
        assert set(codes) <= {403}
        await tab.get_by_text("follow").click()
        await tab.wait_for_url("**/try?rule=**")
        assert await tab.get_by_text("filled in this rule").is_visible()
        await tab.get_by_role("button", name="Try it").click()
        await tab.wait_for_url("**days=**")
        assert await tab.get_by_role("heading", name="Mine: 2 matches").is_visible()
