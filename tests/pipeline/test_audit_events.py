"""Outside reports beside the stories of our feeds: carried, or seen only elsewhere."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.model.archive import Arrival
from bot.model.stories import ArticleId
from bot.pipeline.audit import find_events
from bot.storage.audit import CarriedPage
from bot.stories.grouping import find_candidates, place
from bot.stories.index import Index
from tests.stories import examples
from tests.stories.examples import START

HOUR = timedelta(hours=1)
TITLE = "Regulator orders BlackBerry to open its servers in Pakistan"
BODY = "The telecom regulator ordered BlackBerry to open its enterprise servers in Pakistan by 30 November."


def report(outlet: str, title: str, *, text: str = "", at: timedelta = 2 * HOUR) -> Arrival:
    article = examples.article(title, text, outlet=outlet)
    return examples.arrival(replace(article, id=ArticleId(outlet), published=START + at, first_seen=START + at))


def archive(*titles: str) -> Index:
    """Return an index with one story for each report of our feeds."""
    index = Index(window=timedelta(days=14))
    for title in titles:
        profile = index.profile(examples.arrival(examples.article(title, BODY)))
        index.add(profile, place(find_candidates(index, profile), profile))
    return index


def test_a_wording_that_resembles_another_outside_report_more_than_our_story_is_recognised_by_it() -> None:
    text = (
        "The company said that the privacy of customers is not negotiable, and that it would rather quit the country. "
        "Its chief operating officer wrote that other governments had asked for the same, and had been refused as well."
    )
    near = report("courier", TITLE, text=text)
    far = report("ledger", "Handset maker would rather quit the country than obey the order", text=text, at=HOUR)
    assert [carried_at for _, carried_at in find_events(archive(TITLE), [far], {})] == [None]
    assert all(carried_at for _, carried_at in find_events(archive(TITLE), [far, near], {}))


def test_a_report_whose_page_a_feed_carried_is_about_the_story_of_that_page() -> None:
    index = archive(TITLE)
    [ours] = index.stories
    [member] = index.joins
    far = report("courier", "Handset maker would rather quit the country than obey the order")
    stranger = report("ledger", "Nurses in Lahore strike over the pay of night shifts")
    pages = {
        far.article.id: CarriedPage(member, START + HOUR),
        stranger.article.id: CarriedPage(ArticleId("unmatched"), START),
    }
    assert find_events(index, [far, stranger], pages) == [(ours, START + HOUR), ("unmatched", START)]
