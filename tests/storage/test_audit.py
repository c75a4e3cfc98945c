"""What the audit stores: reports of outside indexes, and the events that they report."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.model.audit import Coverage, OutsideReport, count_coverage
from bot.storage import Transaction
from tests.testbed import made
from tests.testbed.fakes import START

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def report(name: str, *, event: str = "event", at: timedelta = timedelta(), listed: timedelta = HOUR) -> OutsideReport:
    article = replace(made.article(name), published=START + at, first_seen=START + at)
    return OutsideReport(article=article, rule="R", event=event, listed_at=START + listed)


def test_an_event_is_carried_if_one_of_its_reports_is_and_is_listed_from_its_first_report_on(
    tx: Transaction,
) -> None:
    first, later = report("first"), report("later", at=DAY, listed=2 * DAY)
    other = report("other", event="other", at=DAY, listed=2 * DAY)
    tx.audits.save([first, later, other])
    assert tx.audits.missed(since=START, until=START + 3 * DAY) == [
        [other],
        [first, later],
    ]
    assert tx.audits.missed(since=START + DAY, until=START + 3 * DAY) == [[other]]
    assert tx.audits.missed(since=START, until=START + DAY) == [[first, later]]
    tx.audits.save([replace(later, carried_at=START + 5 * HOUR)])
    tx.audits.save([replace(other, carried_at=START + DAY + HOUR / 2)])
    assert tx.audits.missed(since=START, until=START + 3 * DAY) == []
    events = tx.audits.events(since=START, until=START + 3 * DAY)
    assert count_coverage(events) == Coverage(carried=1, late=1, only_elsewhere=0, hours_late=5.0)
    assert tx.audits.events(since=START, until=START + 3 * DAY, rules=["S"]) == []


def test_a_page_and_a_headline_of_the_feeds_are_found_in_any_form(tx: Transaction) -> None:
    tx.articles.add([made.article("a"), made.article("b", minutes=5)], has_text=False)
    title = "A headline that is long enough to identify an event"
    tx.articles.add([replace(made.article("c", minutes=9), title=title)], has_text=False)
    reports = [
        replace(made.article("page"), link="http://www.dawn.example/a", title="Another headline"),
        replace(made.article("headline"), link="", title=title.upper()),
        replace(made.article("short"), link="", title=made.article("b").title),
        replace(
            made.article("none"), link="https://else.example/1", title="Headline of nothing that a feed has carried"
        ),
    ]
    pages = tx.audits.find_carried(reports, since=START)
    assert {report: page.article for report, page in pages.items()} == {
        reports[0].id: made.article("a").id,
        reports[1].id: made.article("c").id,
    }
    assert pages[reports[1].id].first_seen == START + 9 * made.MINUTE
    assert tx.audits.find_carried(reports, since=START + HOUR) == {}
