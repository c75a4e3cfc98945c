"""The audit where people and programs read it: page, API, metrics, status."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot import storage
from bot.model.audit import OutsideReport
from bot.model.feeds import FeedState
from bot.model.rules import FROM_TERMS
from tests.testbed import made
from tests.web.conftest import Page
from tests.web.markup import text_of, tree_of
from tests.web.test_numbers import numbers

RULE = "BlackBerry in Pakistan"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def fill(page: Page, *, stories: int, missed: int, late: int = 0, error: str | None = None) -> None:
    """Store an audit of so many outside stories, of which the first ones are missed, and the next ones late."""
    settings = page.running.settings
    [compiled] = [compiled for compiled in settings.rules if compiled.rule.name == RULE]
    audited = replace(compiled, rule=dataclasses.replace(compiled.rule, audit=(FROM_TERMS,)))
    await page.running.reload(dataclasses.replace(settings, rules=(audited,)))
    now = page.clock.now()

    def report(number: int, outlet: str, at: datetime) -> OutsideReport:
        domain = f"{outlet.lower()}.example"
        return OutsideReport(
            article=replace(
                made.article(f"{number} {outlet}"),
                title=f"Headline {number} <b>of</b> {outlet}",
                outlet=outlet,
                owner=domain,
                published=at,
                first_seen=at,
            ),
            rule=RULE,
            event=f"event {number}",
            listed_at=now - DAY,
            carried_at=None if number < missed else at + 6 * HOUR if number < missed + late else at,
        )

    first = now - 2 * DAY
    reports = [report(number, "Courier", first + number * timedelta(minutes=1)) for number in range(stories)]
    reports.append(report(0, "Ledger", first + HOUR))
    states = [
        FeedState(
            url=search.feed.url,
            due_at=now + DAY,
            polled_at=now - HOUR,
            ok_at=now - DAY,
            error=error if search.index == "gdelt" else None,
        )
        for search in page.running.settings.audit_searches
    ]

    def write(tx: storage.Transaction) -> None:
        tx.audits.save(reports)
        tx.feeds.save(states)

    await page.running.store.write(write)


async def test_page_api_metrics_and_status_tell_what_was_carried_late_and_missed_and_an_index_that_fails(
    page: Page,
) -> None:
    assert "audit: true" in text_of(tree_of((await page.get("/audit")).text)), "how to begin one"
    assert (await page.get("/api/v1/status")).json()["audit"] is None
    assert not [name for name, _ in await numbers(page) if name.startswith("wirewatch_audit")]
    await fill(page, stories=12, missed=3, late=1, error="429 Too Many Requests")
    audit = (await page.get("/api/v1/audit", params={"rule": "blackberry"})).json()
    counts = {"carried": 8, "late": 1, "hours_late": 6.0, "only_elsewhere": 3}
    assert audit["recall"] == {"recall": 0.75, "stories": 12, **counts}
    assert audit["months"] == [{"month": f"{page.clock.now() - DAY:%Y-%m}", "rule": RULE, **counts}]
    assert [story["outlets"] for story in audit["missed"]] == [["Courier"], ["Courier"], ["Courier", "Ledger"]]
    assert audit["missed"][-1]["headline"] == "Headline 0 <b>of</b> Courier"
    assert audit["outlets"] == [
        {"outlet": "Courier", "site": "courier.example", "stories": 3},
        {"outlet": "Ledger", "site": "ledger.example", "stories": 1},
    ]
    text = text_of(tree_of((await page.get("/audit")).text))
    assert "75 % of 12 outside stories" in text
    assert "Headline 1 <b>of</b> Courier" in text
    assert "gdelt did not answer the last question, and counts for nothing: 429 Too Many Requests" in text
    metrics = await numbers(page)
    assert metrics["wirewatch_audit_recall_ratio", ("30",)] == 0.75
    assert metrics["wirewatch_audit_index_failing", ("gdelt",)] == 1
    status = (await page.get("/api/v1/status")).json()["audit"]
    assert status["recall"]["recall"] == 0.75
    assert status["failing"] == {"gdelt": "429 Too Many Requests"}


async def test_no_recall_is_shown_on_fewer_than_ten_stories_and_a_time_long_ago_is_the_whole_time(page: Page) -> None:
    await fill(page, stories=9, missed=1)
    audit = (await page.get("/api/v1/audit")).json()
    assert audit["recall"]["recall"] is None
    for since in ("90d", "1000-01-01", "0001-01-01"):
        assert (await page.get(f"/api/v1/audit?since={since}")).json() == audit
    assert "too few for a recall" in text_of(tree_of((await page.get("/audit")).text))
    metrics = await numbers(page)
    assert metrics["wirewatch_audit_stories", ("only elsewhere",)] == 1
    assert ("wirewatch_audit_recall_ratio", ("30",)) not in metrics
