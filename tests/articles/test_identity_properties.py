"""What identity keeps to whatever a feed says: polling again comes to rest, and the order of items does not matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot import model
from testbed.archive import LONG, Archive, entry
from testbed.fakes import START

GUIDS = st.sampled_from([None, "", "0", "a", "b", "c", "https://www.example.org/1"])
LINKS = st.sampled_from(
    [
        None,
        "https://www.example.org/",
        "https://www.example.org/1",
        "http://example.org/1?utm_source=x",
        "https://m.example.org/2/amp",
        "https://www.example.org/3",
        "nonsense",
    ]
)
TITLES = st.sampled_from(
    [None, "", "BlackBerry quits Pakistan", "BlackBerry delays Pakistan exit", "Rain", "日本の新聞"]
)
BODIES = st.sampled_from([None, "", "<p>One.</p>", "<p>Two & three.", LONG])
DATES = st.sampled_from([None, START, START - timedelta(days=3), datetime(1970, 1, 1, tzinfo=UTC)])
ENTRIES = st.lists(
    st.builds(model.Entry, guid=GUIDS, link=LINKS, title=TITLES, body=BODIES, published=DATES, updated=DATES),
    max_size=8,
)


@given(ENTRIES, ENTRIES, st.booleans())
@settings(max_examples=150, deadline=None)
def test_polling_any_document_again_comes_to_rest(
    before: list[model.Entry], entries: list[model.Entry], is_baseline: bool
) -> None:
    archive = Archive()
    archive.poll(*before, is_baseline=is_baseline)
    archive.poll(*entries)
    # Items that contradict each other (one id over two links, an id that moved) may need a second look.
    archive.poll(*entries)
    told = {article.id: (article.title, article.text) for article in archive.articles.values()}
    again = archive.poll(*entries)
    # A date may still be written anew where two untitled items are one; no word of an article is.
    assert not [
        item
        for item in again.items
        if item.article and told.get(item.article.id) != (item.article.title, item.article.text)
    ]


@given(st.lists(st.integers(0, 9), max_size=8), st.lists(st.integers(0, 9), max_size=8))
def test_polling_a_document_with_ids_and_links_again_gives_nothing_new(before: list[int], numbers: list[int]) -> None:
    archive = Archive()
    archive.poll(*(entry(number) for number in before))
    archive.poll(*(entry(number) for number in numbers))
    again = archive.poll(*(entry(number) for number in numbers))
    assert not [item for item in again.items if item.article is not None]


@given(ENTRIES, ENTRIES, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_items_does_not_matter(
    before: list[model.Entry], entries: list[model.Entry], random: object
) -> None:
    results = []
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for order in (entries, shuffled):
        archive = Archive()
        archive.poll(*before)
        found = archive.poll(*order)
        results.append({(item.novelty, item.sighting.key, item.sighting.article, item.article) for item in found.items})
    assert results[0] == results[1]
