"""Outside reports beside the stories of our feeds: carried, late, seen only elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.model.audit import OutsideReport
from bot.model.stories import ArticleId
from bot.stories.elsewhere import ComparedReport, compare
from bot.stories.grouping import find_candidates, place
from bot.stories.index import Index
from tests.stories import examples
from tests.stories.examples import START

HOUR = timedelta(hours=1)
RULE = examples.arrival(examples.article("x")).matches
TITLE = "Regulator orders BlackBerry to open its servers in Pakistan"
BODY = "The telecom regulator ordered BlackBerry to open its enterprise servers in Pakistan by 30 November."


def compared(name: str, title: str, *, text: str = "", at: timedelta = 2 * HOUR) -> ComparedReport:
    report = OutsideReport(
        id=ArticleId(name),
        rule="R",
        place="gdelt",
        event="",
        title=title,
        text=text,
        link=f"https://{name}.example/1",
        outlet=name,
        site=f"{name}.example",
        reported_at=START + at,
    )
    return ComparedReport(report=report, matches=RULE)


def archive(*titles: str) -> Index:
    """Return an index with one story for each report of our feeds."""
    index = Index(window=timedelta(days=14))
    for title in titles:
        profile = index.profile(examples.arrival(examples.article(title, BODY)))
        index.add(profile, place(find_candidates(index, profile), profile))
    return index


def test_a_report_with_our_headline_is_carried_and_another_event_is_seen_only_elsewhere() -> None:
    index = archive(TITLE)
    [ours] = index.stories
    reports = compare(
        index,
        [compared("courier", TITLE), compared("ledger", "Nurses in Lahore strike over the pay of night shifts")],
        now=START + 5 * HOUR,
    )
    assert [(report.event == ours, report.is_missed) for report in reports] == [(True, False), (False, True)]
    assert reports[0].carried_at == index.stories[ours].opened_at


def test_a_wording_that_resembles_another_outside_report_more_than_our_story_is_recognised_by_it() -> None:
    text = (
        "The company said that the privacy of customers is not negotiable, and that it would rather quit the country. "
        "Its chief operating officer wrote that other governments had asked for the same, and had been refused as well."
    )
    near = compared("courier", TITLE, text=text)
    far = compared("ledger", "Handset maker would rather quit the country than obey the order", text=text, at=HOUR)
    alone = compare(archive(TITLE), [far], now=START + 5 * HOUR)
    assert [report.carried_at for report in alone] == [None]
    both = compare(archive(TITLE), [far, near], now=START + 5 * HOUR)
    assert all(report.carried_at for report in both)


def test_outside_reports_about_one_event_are_one_event() -> None:
    title = "Nurses in Lahore strike over the pay of night shifts"
    reports = compare(archive(TITLE), [compared("courier", title), compared("ledger", title)], now=START + 5 * HOUR)
    assert len({report.event for report in reports}) == 1


def test_a_report_counts_after_an_hour_and_a_feed_that_has_it_within_an_hour_is_not_late() -> None:
    entry = compared("courier", TITLE, at=timedelta())
    [fresh] = compare(archive(), [entry], now=START + HOUR / 2)
    assert (fresh.counted_at, fresh.is_missed) == (None, True)
    for delay, is_late in ((HOUR / 2, False), (2 * HOUR, True)):
        known = replace(entry, report=fresh, known_as=ArticleId("ours"), known_since=START + delay)
        [report] = compare(archive(), [known], now=START + 5 * HOUR)
        assert (report.is_missed, report.counted_at) == (is_late, START + 5 * HOUR)
