"""What the audit stores: questions, reports of outside indexes, and the events that they report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.model.audit import Coverage, IndexQuestion, OutsideReport
from bot.model.stories import ArticleId
from bot.storage import Store
from tests.testbed import made
from tests.testbed.fakes import START

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REPORT = OutsideReport(
    id=ArticleId("first"),
    rule="R",
    place="gdelt",
    event="event",
    title="A backdoor",
    text="",
    link="https://courier.example/1",
    outlet="Courier",
    site="courier.example",
    reported_at=START,
    counted_at=START + HOUR,
    is_missed=True,
)


async def test_an_event_is_carried_if_one_of_its_reports_is_and_counts_from_its_first_report_on(store: Store) -> None:
    later = replace(REPORT, id=ArticleId("later"), reported_at=START + DAY, counted_at=START + 2 * DAY, site="")
    uncounted = replace(REPORT, id=ArticleId("new"), event="other", counted_at=None)
    await store.write(lambda tx: tx.audits.save_reports([REPORT, later, uncounted]))
    [event] = await store.read(lambda tx: tx.audits.events(since=START, until=START + 3 * DAY))
    assert (event.reported_at, event.coverage) == (START, Coverage.ONLY_ELSEWHERE)
    assert await store.read(lambda tx: tx.audits.events(since=START + DAY, until=START + 3 * DAY)) == []
    reports = await store.read(lambda tx: tx.audits.reports_about([event]))
    assert reports == {("R", "event"): [REPORT, later]}
    await store.write(lambda tx: tx.audits.save_reports([replace(later, carried_at=START + 5 * HOUR)]))
    [event] = await store.read(lambda tx: tx.audits.events(since=START, until=START + 3 * DAY))
    assert (event.carried_at, event.coverage) == (START + 5 * HOUR, Coverage.LATE)


async def test_a_page_and_a_headline_of_the_feeds_are_found_in_any_form(store: Store) -> None:
    await store.write(lambda tx: tx.articles.add([made.article("a"), made.article("b", minutes=5)], has_text=False))
    links, titles = ["http://www.dawn.example/a", ""], ["HEADLINE of b", "Headline of c"]
    pages, headlines = await store.read(lambda tx: tx.audits.find_carried(links, titles, since=START))
    assert {link: page.id for link, page in pages.items()} == {links[0]: made.article("a").id}
    assert {title: page.first_seen for title, page in headlines.items()} == {titles[0]: START + 5 * made.MINUTE}
    assert await store.read(lambda tx: tx.audits.find_carried(links, titles, since=START + HOUR)) == ({}, {})


async def test_questions_are_kept(store: Store) -> None:
    question = IndexQuestion(
        rule="R", url="https://x.example", place="gdelt", version="1", began_at=START, due_at=START
    )
    asked = replace(question, asked_at=START + HOUR, error="403", failures=2, retry_at=START + DAY)
    await store.write(lambda tx: tx.audits.save_questions([question, replace(question, rule="S")]))
    await store.write(lambda tx: tx.audits.save_questions([asked]))
    assert await store.read(lambda tx: tx.audits.questions()) == [asked, replace(question, rule="S")]
    await store.write(lambda tx: tx.audits.drop_questions([asked]))
    assert [each.rule for each in await store.read(lambda tx: tx.audits.questions())] == ["S"]
