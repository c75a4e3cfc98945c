"""The audit where people and programs read it: page, API, metrics, status."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import storage
from bot.model.audit import IndexQuestion, OutsideReport
from bot.model.stories import ArticleId
from tests.web.conftest import Page
from tests.web.markup import text_of, tree_of
from tests.web.test_numbers import numbers

RULE = "BlackBerry in Pakistan"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def fill(page: Page, *, stories: int, missed: int, late: int = 0, error: str = "") -> None:
    """Store an audit of so many outside stories, of which the first ones are missed, and the next ones late."""
    now = page.clock.now()

    def report(number: int, outlet: str, at: datetime) -> OutsideReport:
        return OutsideReport(
            id=ArticleId(f"{number} {outlet}"),
            rule=RULE,
            place="gdelt",
            event=f"event {number}",
            title=f"Headline {number} <b>of</b> {outlet}",
            text="",
            link=f"https://{outlet.lower()}.example/{number}",
            outlet=outlet,
            site=f"{outlet.lower()}.example",
            reported_at=at,
            counted_at=now - DAY,
            is_missed=number < missed + late,
            carried_at=at + 6 * HOUR if number >= missed else None,
        )

    first = now - 2 * DAY
    reports = [report(number, "Courier", first + number * timedelta(minutes=1)) for number in range(stories)]
    reports.append(report(0, "Ledger", first + HOUR))
    question = IndexQuestion(
        rule=RULE,
        url="https://x.example",
        place="gdelt",
        version="1",
        began_at=now - 9 * DAY,
        due_at=now + DAY,
        asked_at=now - HOUR,
        answered_at=now - DAY,
        error=error,
    )

    def write(tx: storage.Transaction) -> None:
        tx.audits.save_reports(reports)
        tx.audits.save_questions([question])

    await page.running.store.write(write)


async def test_the_api_tells_what_was_carried_late_and_missed_and_by_whom(page: Page) -> None:
    await fill(page, stories=12, missed=3, late=1)
    audit = (await page.get("/api/v1/audit", params={"rule": "blackberry"})).json()
    assert audit["recall"] == {"recall": 0.75, "stories": 12, "carried": 8, "late": 1, "only_elsewhere": 3}
    [month] = audit["months"]
    assert (month["rule"], month["carried"], month["late"], month["only_elsewhere"]) == (RULE, 8, 1, 3)
    assert month["delay_hours"] == 6
    assert [story["outlets"] for story in audit["missed"]] == [["Courier"], ["Courier"], ["Courier", "Ledger"]]
    assert audit["missed"][-1]["headline"] == "Headline 0 <b>of</b> Courier"
    assert audit["outlets"] == [
        {"outlet": "Courier", "site": "courier.example", "stories": 3},
        {"outlet": "Ledger", "site": "ledger.example", "stories": 1},
    ]


async def test_an_unknown_rule_is_refused(page: Page) -> None:
    assert (await page.get("/api/v1/audit", params={"rule": "no such rule"})).status_code == 404
    assert (await page.get("/audit", params={"rule": "no such rule"})).status_code == 404


async def test_no_recall_is_shown_on_fewer_than_ten_stories(page: Page) -> None:
    await fill(page, stories=9, missed=1)
    assert (await page.get("/api/v1/audit")).json()["recall"]["recall"] is None
    assert "too few for a recall" in text_of(tree_of((await page.get("/audit")).text))
    metrics = await numbers(page)
    assert metrics["wirewatch_audit_stories", ("only elsewhere",)] == 1
    assert ("wirewatch_audit_recall_ratio", ("30",)) not in metrics


async def test_the_page_and_the_metrics_show_the_recall_and_an_index_that_fails(page: Page) -> None:
    await fill(page, stories=10, missed=2, error="429 Too Many Requests")
    text = text_of(tree_of((await page.get("/audit")).text))
    assert "80 % of 10 outside stories" in text
    assert "Headline 1 <b>of</b> Courier" in text
    assert "gdelt did not answer the last question, and counts for nothing: 429 Too Many Requests" in text
    metrics = await numbers(page)
    assert metrics["wirewatch_audit_recall_ratio", ("30",)] == 0.8
    assert metrics["wirewatch_audit_index_up", ("gdelt",)] == 0
    status = (await page.get("/api/v1/status")).json()["audit"]
    assert status["recall"]["recall"] == 0.8
    assert [index["error"] for index in status["failing"]] == ["429 Too Many Requests"]


async def test_without_an_audit_the_page_says_how_to_begin_one(page: Page) -> None:
    assert "audit: true" in text_of(tree_of((await page.get("/audit")).text))
    assert (await page.get("/api/v1/status")).json()["audit"] is None
    assert not [name for name, _ in await numbers(page) if name.startswith("wirewatch_audit")]
