"""The content of the pages over the network; nothing from a feed is active in them."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx
from lxml import html
from msgspec.structs import replace

from bot import storage
from bot.cli.status import check_feeds
from bot.feeds import health
from bot.model.actions import SilenceKind, Verdict
from bot.model.alerts import AlertAction, AlertState, Reason
from bot.model.archive import Arrival
from bot.model.feeds import Feed, FeedState
from bot.model.messages import SendState
from bot.model.stories import StoryId
from bot.queries.registry import Parameters, QueryRunner
from bot.queries.status import STATUS
from tests.testbed import made
from tests.testbed.commands import call
from tests.web.conftest import Page, page_over
from tests.web.markup import elements, text_of, tree_of, values
from tests.web.test_numbers import numbers

RULE = "BlackBerry in Pakistan"
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
HOSTILE_PAGES = [
    "/try?rule=name:+W%0Aany:+[wombat*]%0Anotify:+desk",
    "/search?q=wombat",
    "/rule?name=Wombats+%3Cb+onclick%3Dx%3E%26%3C%2Fb%3E",
]


async def read(page_: Page, path: str, **params: str) -> html.HtmlElement:
    answer = await page_.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return tree_of(answer.text)


async def story_path(page: Page, title: str) -> str:
    links = elements(await read(page, "/stories"), "//h2/a")
    (path,) = [link.get("href") for link in links if title in text_of(link)]
    return str(path)


async def test_each_page_is_whole_loads_nothing_from_outside_and_shows_hostile_words_as_text(shared: Page) -> None:
    story = await story_path(shared, "Wombat <script>")
    for path in (*PAGES, *HOSTILE_PAGES, story):
        answer = await shared.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        tree = tree_of(answer.text)
        assert len(elements(tree, "//h1")) == len(elements(tree, "//main")) == len(elements(tree, "//header")) == 1
        assert text_of(elements(tree, "//a")[0]) == "Skip to content"
        assert elements(tree, "//a")[0].get("href") == f"#{values(tree, '//main/@id')[0]}"
        assert {*values(tree, "//link/@href"), *values(tree, "//@src")} == {"/style.css", "data:,"}, path
        forbidden = "//script | //*[@style] | //iframe | //object | //img | //b | //*[@*[starts-with(name(), 'on')]]"
        assert elements(tree, forbidden) == [], path
        assert {link.partition(":")[0] for link in values(tree, "//a/@href") if ":" in link} <= {"http", "https"}
        outside = elements(tree, "//a[starts-with(@href, 'http')]")
        assert all("noopener" in link.get("rel", "") for link in outside), path
    assert "Wombat <script>document.title='taken'</script>" in text_of(await read(shared, story))


async def test_stories_are_listed_by_time_and_older_ones_are_a_link_away(page: Page) -> None:
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
    assert "1 story with news in 7 days" in text_of(await read(page, "/stories", rule=RULE))
    assert "Newer" in text_of(elements(tree, "//a[@rel='prev']")[0])
    beyond = await read(page, "/stories", page="99999", days="x")
    assert values(beyond, "//article/h2/@id") == cards
    page.clock.advance(timedelta(days=40))
    assert "0 stories with news in 7 days" in text_of(await read(page, "/stories"))
    assert f"{len(seen)} stories with news in 90 days" in text_of(await read(page, "/stories", days="5000"))


async def replace_feeds(page: Page, *feeds: tuple[Feed, FeedState]) -> None:
    live = page.running.live
    live.settings = dataclasses.replace(live.settings, feeds=tuple(feed for feed, _ in feeds))

    def write(tx: storage.Transaction) -> None:
        tx.feeds.sync([feed.url for feed, _ in feeds], now=page.clock.now())
        tx.feeds.save([state for _, state in feeds])

    await page.running.store.write(write)


async def test_notices_overview_feeds_status_and_its_check_name_the_same_problems_of_a_silent_feed(page: Page) -> None:
    url, now = "https://quiet.example/feed", page.clock.now()
    state = FeedState(url=url, due_at=now, baseline_at=now - timedelta(days=3))
    feed = Feed(url=url, name="Quiet", expect=timedelta(days=2))
    await replace_feeds(page, (feed, state))
    problem = "has had nothing new for 3 days; expected at least every 2 days (expect:)"
    (event,) = health.find_health_events(state, feed, now)
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
    # After the last poll nothing is known.
    polled_at = now - timedelta(days=3)
    await replace_feeds(page, (feed, replace(state, baseline_at=polled_at, polled_at=polled_at, ok_at=polled_at)))
    assert "0 with problems" in text_of(await read(page, "/"))
    assert [line.what for line in await answers.read(check_feeds)] == ["feeds: all 1 work"]
    assert "Feeds that do not work" not in text_of(await read(page, "/brief"))


async def test_a_feed_that_moved_is_not_ok_although_it_is_read_and_of_many_problems_some_are_named(page: Page) -> None:
    now = page.clock.now()
    state = FeedState(url="https://0.example/", due_at=now, baseline_at=now, polled_at=now, ok_at=now)
    moved = replace(state, moved_to="https://new.example/feed")
    failing = [replace(state, url=f"https://{number}.example/", failures=2) for number in range(1, 30)]
    await replace_feeds(page, *((Feed(url=state.url, name=state.url), state) for state in (moved, *failing)))
    overview = text_of(await read(page, "/"))
    assert "30 with problems" in overview
    assert "20 more problems of feeds" in overview
    rows = elements(await read(page, "/feeds", show="problems"), "//tbody/tr")
    assert len(rows) == 30
    (row,) = [row for row in rows if "https://new.example/feed" in text_of(row)]
    assert text_of(elements(row, "./td")[0]) == "problem"


async def test_feeds_that_were_due_while_the_bot_was_off_are_not_late(filled: Path) -> None:
    async with page_over(filled, started=timedelta(days=2)) as page:
        assert (await page.get("/healthz")).json()["reason"] == "the bot has not looked for due feeds yet"
        await page.tick()
        assert "0 late" in text_of(await read(page, "/"))
        assert "late by" not in text_of(await read(page, "/feeds"))
        page.clock.advance(timedelta(minutes=5))
        assert "late by 5 min" in text_of(await read(page, "/feeds"))
        await page.running.once(everything=True, drain=timedelta())
        metrics = await numbers(page)
        polls = metrics["wirewatch_poll_lateness_seconds_count", ()]
        assert 0 < metrics["wirewatch_poll_lateness_seconds_sum", ()] <= 5 * 60 * polls


async def test_feeds_show_health_and_items_a_day_and_each_has_a_page_with_its_delay_articles_and_rhythm(
    shared: Page,
) -> None:
    tree = await read(shared, "/feeds")
    rows = {text_of(elements(row, "./th/*")[0]): row for row in elements(tree, "//tbody/tr")}
    assert set(rows) == {"wire", "courier", "ledger", "hostile", "broken"}
    assert "failed once" in text_of(rows["broken"])
    assert "page" in text_of(elements(rows["broken"], "./th")[0])
    assert values(rows["wire"], ".//svg/@aria-label")[0].startswith("1 in 14 days")
    assert values(tree, "//nav//a[@aria-current='page']/text()") == ["Feeds"]
    (failing,) = elements(await read(shared, "/feeds", show="failing"), "//tbody/tr")
    assert text_of(failing).startswith("broken")
    links = {link.rpartition("/")[2]: link for link in values(tree, "//th/a/@href")}
    tree = tree_of((await shared.get(links["courier.xml"])).text)
    delay = next(tile for tile in elements(tree, "//dl/div") if text_of(tile).startswith("Delay"))
    assert text_of(delay) == (
        "Delay1 hfrom an article's date until it is here, for half of 1; for one in ten more than 1 h"
    )
    assert values(tree, "//section[@aria-labelledby='last']//li/a/text()") == [
        "BlackBerry quits Pakistan over PTA demand for a backdoor into BES"
    ]
    page_text = text_of(tree_of((await shared.get(links["broken.xml"])).text))
    assert "failed once" in page_text
    assert "not learnt" in page_text
    assert (await shared.get("/feed", params={"url": "https://none.example/"})).status_code == 404


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


async def test_rules_and_the_configuration_show_matches_and_each_problem_with_its_caret(shared: Page) -> None:
    tree = await read(shared, "/rules")
    card = text_of(elements(tree, "//article[contains(., 'BlackBerry in Pakistan')]")[0])
    for text in ("3 articles in two weeks", "Last match: 2 Dec 2015", "Notifies"):
        assert text in card
    assert "Broken rule is off" in text_of(tree)
    tree = await read(shared, "/configuration")
    (problem,) = [element.text_content() for element in elements(tree, "//pre") if "notfy" in element.text_content()]
    assert "^^^^^" in problem
    assert 'did you mean "notify"?' in problem
    # On a phone the message wraps at the edge of the screen; the line of the file and its carets do not.
    texts = [text_of(span) for span in elements(tree, "//pre//span[@class='said']")]
    assert any("notfy" in line for line in texts)
    assert not any("^^^^^" in line for line in texts)
    assert "error" in text_of(elements(tree, "//p[contains(@class, 'state')]")[0])
    overview = text_of(await read(shared, "/"))
    for text in ("Running: it last looked for due feeds just now", "1 with problems", "desk.yaml"):
        assert text in overview


async def test_what_is_parked_or_set_aside_is_counted_on_the_overview_and_listed_on_its_page(page: Page) -> None:
    assert "Nothing is set aside" in text_of(await read(page, "/quarantine"))
    row = replace(made.sending("waits"), state=SendState.PARKED, error="desk: channel is archived")
    piece = made.set_aside("<b>item</b>", error="ValueError in bot/rules/evaluate.py, line 7 <script>")

    def write(tx: storage.Transaction) -> None:
        tx.outbox.add([row])
        tx.quarantine.add([piece, made.set_aside("second")])

    await page.running.store.write(write)
    overview = await read(page, "/")
    assert "1 parked message" in text_of(overview)
    assert "2 pieces of work set aside after an unexpected error: 2 items by the stage intake." in text_of(overview)
    assert "/quarantine" in values(overview, "//main//a/@href")
    outbox = text_of(await read(page, "/outbox"))
    assert "desk: channel is archived" in outbox
    assert "when the channel works again" in outbox
    tree = await read(page, "/quarantine")
    rows = [text_of(row) for row in elements(tree, "//tbody/tr")]
    assert "second" in rows[0]
    for text in ("item <b>item</b>", "intake", "ValueError in bot/rules/evaluate.py, line 7 <script>"):
        assert text in rows[1]
    assert elements(tree, "//main//b | //main//script") == []


async def test_an_unknown_address_is_a_page_too_and_nothing_can_be_changed(shared: Page) -> None:
    answer = await shared.get("/nothing")
    assert answer.status_code == 404
    assert "No such page" in answer.text
    assert (await shared.get("/feeds/../../etc/passwd")).status_code == 404
    async with httpx.AsyncClient(base_url=shared.site.url) as client:
        for path in PAGES:
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                assert (await client.request(method, path)).status_code == 405


async def test_a_bot_most_of_whose_feeds_are_broken_is_not_shown_as_well(page: Page) -> None:
    assert elements(await read(page, "/"), "//p[@class='state good']")
    url = next(feed.url for feed in page.running.settings.feeds if feed.name == "broken")
    state = await page.running.store.read(lambda tx: tx.feeds.all())
    await replace_feeds(page, (Feed(url=url, name="broken"), next(item for item in state if item.url == url)))
    (banner,) = elements(await read(page, "/"), "//p[@class='state warn']")
    assert "Running" in text_of(banner)
    assert "1 of 1 feed has problems." in text_of(banner)
    assert "2 rules, 1 feed, 2 channels" in text_of(await read(page, "/configuration"))


async def test_a_page_about_a_rule_that_is_not_loaded_says_which_is_meant(shared: Page) -> None:
    meant = 'no loaded rule is named "BlackBerries in Pakistan"; did you mean "BlackBerry in Pakistan"?'
    for path in ("/stories?rule=", "/rule?name=", "/search?rule=", "/audit?rule="):
        answer = await shared.get(f"{path}BlackBerries+in+Pakistan")
        assert answer.status_code == 404
        assert meant in text_of(tree_of(answer.text))


async def test_a_rule_has_a_page_with_its_stories_yaml_and_near_misses_when_asked_for(shared: Page) -> None:
    address = {"name": "BlackBerry in Pakistan"}
    tree = await read(shared, "/rule", **address)
    (yaml,) = elements(tree, "//pre[@aria-labelledby='yaml']")
    assert yaml.text_content().startswith("name: BlackBerry in Pakistan\nall:\n  product:   [$blackberry_server")
    for text in ("3 articles in 90 days", "BlackBerry to leave Pakistan", "Look through the last 7 days"):
        assert text in text_of(tree)
    near = text_of(await read(shared, "/rule", **address, near="1"))
    assert "5 articles since" in near
    assert "3 matches." in near


async def test_the_overview_draws_the_matches_of_a_month_and_says_what_waits_and_what_is_silenced(page: Page) -> None:
    now = page.clock.now()
    arrival = Arrival(article=made.article("waits"), matches=(), is_baseline=False)
    held = made.alert("held", state=AlertState.HELD, reason=Reason.BRIEF, held_until=now)
    silence = made.silence(SilenceKind.OUTLET, "<b>Dawn</b>", at=now, until=now + timedelta(hours=2))
    silent = made.decision("held", AlertAction.SILENT, Reason.SILENCED, at=now, silence=silence.id)

    def add(tx: storage.Transaction) -> None:
        tx.articles.add([arrival.article])
        tx.decision_queue.add([arrival])
        tx.stories.save(made.story("held", arrival.article))
        tx.stories.save_alert(held)
        tx.stories.decide([silent])
        tx.silences.add(silence)

    await page.running.store.write(add)
    tree = await read(page, "/")
    (chart,) = elements(tree, "//section[@aria-labelledby='chart']")
    assert "5 matched articles in 30 days" in text_of(chart)
    assert values(chart, ".//*[@role='img']/@aria-label")[0].startswith("5 in 30 days, oldest first: 0, 0")
    for text in (
        *("1 with problems, ", "1 story held in desk: brief", "1 article to decide"),
        "outlet “<b>Dawn</b>” in every channel until 2",
        "by ann: they move · 1 story held back",
    ):
        assert text in text_of(tree)
    await page.running.store.write(lambda tx: tx.silences.save_end(replace(silence, ended_at=now, ended_by="ann")))
    assert "Nothing is posted about:" not in text_of(await read(page, "/"))


async def judge(page: Page, *, useful: int, noise: int) -> None:
    """Store stories that one reader has judged, and a silence of their rule."""
    now = page.clock.now()

    def write(tx: storage.Transaction) -> None:
        for number, verdict in enumerate([Verdict.USEFUL] * useful + [Verdict.NOISE] * noise):
            story = StoryId(f"judged-{number}")
            tx.stories.save(replace(made.story(story), first_seen=now, last_seen=now))
            at = now - timedelta(hours=1)
            tx.judgements.add([made.judgement(verdict, id=story, rule=RULE, story=story, at=at)])
        until = now + timedelta(hours=2)
        tx.silences.add(made.silence(SilenceKind.RULE, RULE, at=now, until=until, channels=("desk",)))

    await page.running.store.write(write)


async def test_a_rule_shows_its_precision_and_its_silence(page: Page) -> None:
    await judge(page, useful=9, noise=2)
    cards = [text_of(card) for card in elements(await read(page, "/rules"), "//article")]
    (card,) = [card for card in cards if RULE in card]
    assert "Precision: 82 % (9 useful, 2 noise)" in card
    assert "silenced in desk until" in card
    assert len(cards) > 1
    assert sum("Precision" in card for card in cards) == 1
    (row,) = (await page.get("/api/v1/feedback?since=1d")).json()["feedback"]
    assert (row["rule"], row["useful"], row["noise"], row["precision"]) == (RULE, 9, 2, 9 / 11)
    assert (await page.get("/api/v1/feedback?since=1m")).json() == {"feedback": []}
    assert (await page.get("/api/v1/feedback?rule=unknown")).status_code == 404
    command = partial(call, "feedback", "--rule", "blackberry", folder=page.folder.parent)
    shown = (await asyncio.to_thread(command, "--since", "9000d")).stdout
    assert f"{RULE}: precision 82% (9 useful, 2 noise)" in shown
    assert "No feedback in this time" in (await asyncio.to_thread(command)).stderr
