"""The content of the pages over the network; nothing from a feed is active in them."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from lxml import html
from msgspec.structs import replace

from bot import storage
from bot.cli.status import check_feeds
from bot.feeds import health
from bot.model.feeds import Feed, FeedState
from bot.model.messages import SendState
from bot.queries.registry import Parameters, QueryRunner
from bot.queries.status import STATUS
from tests.testbed import made
from tests.web.conftest import Page, page_over
from tests.web.markup import elements, text_of, tree_of, values

PAGES = [
    "/",
    "/feeds",
    "/stories",
    "/rules",
    "/audit",
    "/outbox",
    "/quarantine",
    "/configuration",
    "/try",
    "/search",
    "/rule?name=BlackBerry+in+Pakistan",
]


async def read(page_: Page, path: str, **params: str) -> html.HtmlElement:
    answer = await page_.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return tree_of(answer.text)


@pytest.mark.parametrize("path", PAGES)
async def test_each_page_is_whole_and_loads_nothing_from_outside(shared: Page, path: str) -> None:
    answer = await shared.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    tree = tree_of(answer.text)
    assert len(elements(tree, "//h1")) == len(elements(tree, "//main")) == len(elements(tree, "//header")) == 1
    loaded = [*values(tree, "//link/@href"), *values(tree, "//@src")]
    assert set(loaded) == {"/style.css", "data:,"}
    assert elements(tree, "//script | //*[@style] | //iframe | //object") == []


@pytest.mark.parametrize("path", [*PAGES, "/try?rule=name:+W%0Aany:+[wombat*]%0Anotify:+desk", "/search?q=wombat"])
async def test_what_a_hostile_feed_says_stays_text(shared: Page, path: str) -> None:
    tree = tree_of((await shared.get(path)).text)
    attributes = {name for element in elements(tree, "//*") for name in map(str, element.attrib)}
    assert {name for name in attributes if name.startswith("on")} == set()
    assert elements(tree, "//script | //img | //b | //*[@onload]") == []
    schemes = {link.partition(":")[0] for link in values(tree, "//a/@href") if ":" in link}
    assert schemes <= {"http", "https"}
    for link in elements(tree, "//a[starts-with(@href, 'http')]"):
        assert "noopener" in link.get("rel", "")


async def test_a_story_shows_outlets_evidence_messages_and_decisions(shared: Page) -> None:
    tree = await read(shared, "/stories", rule="BlackBerry in Pakistan")
    (card,) = elements(tree, "//article")
    page_text = text_of(card)
    assert all(outlet in page_text for outlet in ("wire", "courier", "ledger"))
    assert "3 independent outlets" in page_text
    marked = {mark.text_content() for mark in elements(card, ".//mark")}
    assert {"BlackBerry", "PTA", "backdoor", "Pakistan Telecommunication Authority"} <= marked
    assert page_text.count("desk: posted, first report sent") == 1
    assert text_of(tree).count("1 story with news in 7 days") == 1


async def test_stories_are_listed_by_time_and_by_page(page: Page) -> None:
    assert "No such" not in text_of(await read(page, "/stories", page="99999", days="x"))
    page.clock.advance(timedelta(days=40))
    assert "0 stories with news in 7 days" in text_of(await read(page, "/stories"))
    assert "with news in 90 days" in text_of(await read(page, "/stories", days="5000"))
    assert text_of(await read(page, "/stories", days="90")).count("BlackBerry to leave Pakistan") > 0


async def test_older_stories_are_a_link_away_and_each_stands_on_one_page(page: Page) -> None:
    now = page.clock.now()

    def add(tx: storage.Transaction) -> None:
        for number in range(60):
            article = replace(made.article(f"a{number}"), first_seen=now - timedelta(minutes=number))
            tx.articles.add([article])
            tx.stories.save(replace(made.story(f"s{number}", article), last_seen=article.first_seen))

    await page.running.store.write(add)
    seen: list[str] = []
    path: str | None = "/stories"
    while path is not None:
        tree = tree_of((await page.get(path)).text)
        cards = values(tree, "//article/h2/@id")
        assert 0 < len(cards) <= 50
        seen.extend(cards)
        older = values(tree, "//a[@rel='next']/@href")
        path = f"/stories{older[0]}" if older else None
    assert len(seen) == len(set(seen)) > 60
    assert seen[0] == "s-s0"
    newer = elements(tree, "//a[@rel='prev']")[0]
    assert "Newer" in text_of(newer)
    beyond = tree_of((await page.get("/stories", params={"page": "99999"})).text)
    assert values(beyond, "//article/h2/@id") == cards


async def test_the_overview_names_some_problems_of_feeds_and_counts_the_others(page: Page) -> None:
    states = [FeedState(url=f"https://{n}.example/", due_at=page.clock.now(), failures=2) for n in range(30)]

    def add(tx: storage.Transaction) -> None:
        tx.feeds.sync([state.url for state in states], now=page.clock.now())
        tx.feeds.save(states)

    await page.running.store.write(add)
    page_text = text_of(await read(page, "/"))
    assert "30 with problems" in page_text
    assert "20 more problems of feeds" in page_text
    assert len(elements(await read(page, "/feeds", show="problems"), "//tbody/tr")) == 30


async def test_notices_overview_feeds_status_and_its_check_name_the_same_problems_of_a_silent_feed(page: Page) -> None:
    url = "https://quiet.example/feed"
    state = FeedState(url=url, due_at=page.clock.now(), baseline_at=page.clock.now() - timedelta(days=3))
    feed = Feed(url=url, name="Quiet", expect=timedelta(days=2))

    def add(tx: storage.Transaction) -> None:
        tx.feeds.sync([url], now=page.clock.now())
        tx.feeds.save([state])

    await page.running.store.write(add)
    live = page.running.live
    live.settings = dataclasses.replace(live.settings, feeds=(feed,))
    problem = "has had nothing new for 3 days; expected at least every 2 days (expect:)"
    (event,) = health.find_health_events(state, feed, page.clock.now())
    assert event.text == f"Quiet ({url}) {problem}"
    overview = text_of(await read(page, "/"))
    assert "1 with problems" in overview
    assert f"Quiet {problem}" in overview
    (row,) = elements(await read(page, "/feeds", show="problems"), "//tbody/tr")
    assert problem in text_of(row)
    assert problem in text_of(await read(page, "/feed", url=url))
    answers = QueryRunner(page.running)
    status = await answers.run(STATUS, Parameters())
    assert [item.text for shown in status.feeds for item in shown.problems] == [problem]
    checks = await answers.read(check_feeds)
    assert [line.what for line in checks] == ["feeds: 1 of 1 has problems", f"feed Quiet {problem}"]
    assert not any(line.is_good for line in checks)
    # A poll that finds a silence stores it as the feed's health.
    await page.running.store.write(lambda tx: tx.feeds.save([health.mark_reported(state, [event])]))
    (row,) = elements(await read(page, "/feeds", show="silent"), "//tbody/tr")
    assert "silent" in text_of(elements(row, "./td")[0])
    assert [shown.health for shown in (await answers.run(STATUS, Parameters())).feeds] == ["silent"]
    assert 'wirewatch_feeds{health="silent"} 1.0' in (await page.get("/metrics")).text


async def test_a_feed_that_moved_is_not_ok_although_it_is_read(page: Page) -> None:
    url, now = "https://old.example/feed", page.clock.now()
    moved_to = "https://new.example/feed"
    state = FeedState(url=url, due_at=now, baseline_at=now, polled_at=now, ok_at=now, moved_to=moved_to)
    live = page.running.live
    live.settings = dataclasses.replace(live.settings, feeds=(Feed(url=url, name="Moved"),))

    def add(tx: storage.Transaction) -> None:
        tx.feeds.sync([url], now=now)
        tx.feeds.save([state])

    await page.running.store.write(add)
    (row,) = elements(await read(page, "/feeds", show="problems"), "//tbody/tr")
    assert moved_to in text_of(row)
    assert text_of(elements(row, "./td")[0]) == "problem"


async def test_nothing_is_known_of_a_feed_after_its_last_poll(page: Page) -> None:
    url, polled_at = "https://quiet.example/feed", page.clock.now() - timedelta(days=3)
    state = FeedState(url=url, due_at=polled_at, baseline_at=polled_at, polled_at=polled_at, ok_at=polled_at)
    live = page.running.live
    live.settings = dataclasses.replace(live.settings, feeds=(Feed(url=url, name="Quiet", expect=timedelta(days=2)),))

    def add(tx: storage.Transaction) -> None:
        tx.feeds.sync([url], now=polled_at)
        tx.feeds.save([state])

    await page.running.store.write(add)
    assert "0 with problems" in text_of(await read(page, "/"))
    assert [line.what for line in await QueryRunner(page.running).read(check_feeds)] == ["feeds: all 1 work"]
    assert "Feeds that do not work" not in text_of(await read(page, "/brief"))


async def test_feeds_that_were_due_while_the_bot_was_off_are_not_late(filled: Path) -> None:
    async with page_over(filled, started=timedelta(days=2)) as page:
        await page.tick()
        assert "0 late" in text_of(await read(page, "/"))
        assert "late by" not in text_of(await read(page, "/feeds"))
        page.clock.advance(timedelta(minutes=5))
        assert "late by 5 min" in text_of(await read(page, "/feeds"))


async def test_feeds_show_health_items_a_day_and_lateness(page: Page) -> None:
    tree = await read(page, "/feeds")
    rows = {text_of(elements(row, "./th/*")[0]): row for row in elements(tree, "//tbody/tr")}
    assert set(rows) == {"wire", "courier", "ledger", "hostile", "broken"}
    assert "failed once" in text_of(rows["broken"])
    assert "page" in text_of(elements(rows["broken"], "./th")[0])
    assert values(rows["wire"], ".//svg/@aria-label")[0].startswith("1 in 14 days")
    assert "late by" not in text_of(tree)
    page.clock.advance(timedelta(hours=2))
    assert "late by" in text_of(await read(page, "/feeds"))
    (failing,) = elements(await read(page, "/feeds", show="failing"), "//tbody/tr")
    assert text_of(failing).startswith("broken")


async def test_the_secret_of_an_address_is_on_no_page_and_its_feed_has_one(filled: Path) -> None:
    url, shown = "https://private.example/rss?feed_token=glft-0123456789", "https://private.example/rss?feed_token=***"
    with (filled / "feeds.yaml").open("a") as file:
        file.write(f"  - {{url: '{url}', name: Private}}\n")
    async with page_over(filled) as page:
        feeds = list(page.running.live.settings.feeds)
        await page.running.store.write(lambda tx: tx.feeds.sync([feed.url for feed in feeds], now=page.clock.now()))
        texts = [(await page.get(path)).text for path in ("/feeds", "/configuration", "/api/v1/feeds?limit=100")]
        assert quote(shown) in texts[0]
        assert shown in texts[2]
        texts.append((await page.get("/feed", params={"url": shown})).text)
    assert "Private" in texts[-1]
    assert shown in unescape(texts[-1])
    assert not any("glft-0123456789" in text for text in texts)


async def test_rules_show_hits_the_last_match_and_what_they_mean(shared: Page) -> None:
    tree = await read(shared, "/rules")
    card = elements(tree, "//article[contains(., 'BlackBerry in Pakistan')]")[0]
    assert "3 articles in two weeks" in text_of(card)
    assert "Last match: 2 Dec 2015" in text_of(card)
    assert "Notifies" in text_of(card)
    assert "Broken rule is off" in text_of(tree)


async def test_the_configuration_page_shows_each_problem_with_its_caret(shared: Page) -> None:
    tree = await read(shared, "/configuration")
    (problem,) = [element.text_content() for element in elements(tree, "//pre") if "notfy" in element.text_content()]
    assert "^^^^^" in problem
    assert 'did you mean "notify"?' in problem
    # On a phone the message wraps at the edge of the screen; the line of the file and its carets do not.
    texts = [text_of(span) for span in elements(tree, "//pre//span[@class='said']")]
    assert any("notfy" in line for line in texts)
    assert not any("^^^^^" in line for line in texts)
    assert "error" in text_of(elements(tree, "//p[contains(@class, 'state')]")[0])


async def test_the_overview_names_what_needs_a_look(shared: Page) -> None:
    page_text = text_of(await read(shared, "/"))
    assert "Running: it last looked for due feeds just now" in page_text
    assert "1 with problems" in page_text
    assert "desk.yaml" in page_text


async def test_parked_messages_stand_in_the_outbox_with_their_reason(page: Page) -> None:
    row = replace(made.sending("waits"), state=SendState.PARKED, error="desk: channel is archived")
    await page.running.store.write(lambda tx: tx.outbox.add([row]))
    page_text = text_of(await read(page, "/outbox"))
    assert "desk: channel is archived" in page_text
    assert "when the channel works again" in page_text
    assert "1 parked message" in text_of(await read(page, "/"))


async def test_work_that_was_set_aside_is_counted_on_the_overview_and_listed_on_its_page(page: Page) -> None:
    assert "Nothing is set aside" in text_of(await read(page, "/quarantine"))
    piece = made.set_aside("<b>item</b>", error="ValueError in bot/rules/evaluate.py, line 7 <script>")
    await page.running.store.write(lambda tx: tx.quarantine.add([piece, made.set_aside("second")]))

    overview = await read(page, "/")
    assert "2 pieces of work set aside after an unexpected error: 2 items by the stage intake." in text_of(overview)
    assert "/quarantine" in values(overview, "//main//a/@href")
    tree = await read(page, "/quarantine")
    rows = [text_of(row) for row in elements(tree, "//tbody/tr")]
    assert "second" in rows[0]
    for text in ("item <b>item</b>", "intake", "ValueError in bot/rules/evaluate.py, line 7 <script>"):
        assert text in rows[1]
    assert elements(tree, "//main//b | //main//script") == []


async def test_an_unknown_address_is_a_page_too(shared: Page) -> None:
    answer = await shared.get("/nothing")
    assert answer.status_code == 404
    assert "No such page" in answer.text
    assert (await shared.get("/feeds/../../etc/passwd")).status_code == 404


async def test_nothing_can_be_changed(shared: Page) -> None:
    async with httpx.AsyncClient(base_url=shared.site.url) as client:
        for path in PAGES:
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                assert (await client.request(method, path)).status_code == 405


async def test_a_bot_most_of_whose_feeds_are_broken_is_not_shown_as_well(filled: Path) -> None:
    async with page_over(filled) as page:
        await page.tick()
        assert elements(tree_of((await page.get("/")).text), "//p[@class='state good']")
    feeds = filled / "feeds.yaml"
    feeds.write_text(
        "".join(line for line in feeds.read_text().splitlines(True) if "- {" not in line or "broken" in line)
    )
    async with page_over(filled) as page:
        await page.tick()
        await page.running.sync()
        (banner,) = elements(tree_of((await page.get("/")).text), "//p[@class='state warn']")
        assert "Running" in text_of(banner)
        assert "1 of 1 feed has problems." in text_of(banner)
        assert "2 rules, 1 feed, 2 channels" in text_of(tree_of((await page.get("/configuration")).text))


@pytest.mark.parametrize("path", ["/stories?rule=", "/rule?name=", "/search?rule="])
async def test_a_page_about_a_rule_that_is_not_loaded_says_which_is_meant(shared: Page, path: str) -> None:
    answer = await shared.get(f"{path}BlackBerries+in+Pakistan")
    assert answer.status_code == 404
    meant = 'no loaded rule is named "BlackBerries in Pakistan"; did you mean "BlackBerry in Pakistan"?'
    assert meant in text_of(tree_of(answer.text))
