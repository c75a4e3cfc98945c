"""Readings that are identified together give what they would one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot import articles, model
from testbed.archive import DAY, Archive, entry, novelties, reading
from testbed.fakes import START

FEEDS = [model.Feed(url=f"https://www.example.org/rss/{name}", name="Example") for name in ("news", "world", "sport")]
EDITED, RETOLD = articles.Novelty.EDITED, articles.Novelty.RETOLD
LONG = f"<p>{'What the regulator wrote to the operators, word for word. ' * 8}</p>"


def together(
    archive: Archive, readings: Sequence[Sequence[model.Entry]], *, is_baseline: bool
) -> list[articles.Identification]:
    """The store is asked before any of them is kept."""
    documents = [reading(*entries) for entries in readings]
    look_ups = [articles.look_up(feed, document) for feed, document in zip(FEEDS, documents, strict=False)]
    answers = [archive.known(look_up.question.feed, look_up) for look_up in look_ups]
    fresh = articles.Fresh()
    found = []
    for feed, document, look_up, known in zip(FEEDS, documents, look_ups, answers, strict=False):
        found.append(
            articles.identify(
                feed,
                document,
                fresh.beside(known, look_up.question),
                now=START,
                backfill=DAY,
                is_baseline=is_baseline,
                feed_title=None,
                looked_up=look_up,
            )
        )
        fresh.add(found[-1])
    return found


def told(found: articles.Identification) -> list[tuple[str, str]]:
    return [(item.novelty.value, item.sighting.article) for item in found.items]


def of_kind(novelty: articles.Novelty, found: Sequence[articles.Identification]) -> set[str]:
    return {item.sighting.article for each in found for item in each.items if item.novelty is novelty}


def test_an_article_that_two_feeds_of_a_batch_carry_is_new_once() -> None:
    one = entry(1, body=LONG)
    moved = entry(1, guid="other", link="https://www.example.org/sport/1", body=LONG)
    found = together(Archive(), [[one], [entry(1, guid="another", body=LONG)], [moved]], is_baseline=False)
    assert [novelties(each) for each in found] == [["new"], ["same link"], ["same link"]]
    assert len({item.sighting.article for each in found for item in each.items}) == 1


ENTRIES = st.builds(
    lambda number, link, guid, body, age: entry(
        number,
        guid=f"id-{guid}",
        link=f"https://www.example.org/{link}",
        body=LONG if body else "<p>Short</p>",
        published=START - age * DAY,
    ),
    *(st.integers(0, 2) for _ in range(3)),
    st.booleans(),
    st.integers(0, 2),
)


def test_an_article_edited_in_a_batch_is_known_by_what_it_says_now() -> None:
    archive, now = Archive(), "https://www.example.org/moved"
    [first] = archive.poll(entry(1, body=LONG), feed=FEEDS[0], later=-DAY).items
    said = entry(1, title="Rain stops play for the day", link=now, body=LONG)
    found = together(archive, [[said], [entry(2), replace(said, guid="b")]], is_baseline=False)
    assert [novelties(each) for each in found] == [["edited"], ["new", "same link"]]
    assert found[1].items[1].sighting.article == first.sighting.article


def test_of_an_article_too_old_to_keep_its_text_no_other_address_is_known_by_it() -> None:
    old = entry(1, body=LONG, published=START - 30 * DAY)
    moved = entry(1, guid="other", link="https://www.example.org/sport/1", body=LONG, published=None)
    batch = together(Archive(), [[old], [moved]], is_baseline=True)
    archive = Archive()
    apart = [archive.poll(one, feed=feed, is_baseline=True) for one, feed in zip((old, moved), FEEDS, strict=False)]
    assert [novelties(each) for each in batch] == [novelties(each) for each in apart] == [["old"], ["new"]]


@given(st.lists(st.lists(ENTRIES, max_size=4), min_size=3, max_size=3), st.lists(ENTRIES, max_size=3), st.booleans())
def test_a_batch_is_identified_as_one_feed_after_another(
    readings: list[list[model.Entry]], before: list[model.Entry], is_baseline: bool
) -> None:
    archive, other = Archive(), Archive()
    for store in (archive, other):
        store.poll(*before, feed=FEEDS[0], later=-DAY)
    whole = together(archive, readings, is_baseline=is_baseline)
    apart = [
        other.poll(*entries, feed=feed, is_baseline=is_baseline) for entries, feed in zip(readings, FEEDS, strict=True)
    ]
    assert of_kind(EDITED, whole) == of_kind(EDITED, apart)
    # What another stored article says about a link that an edit left, only the store knows; and whether what is retold
    # becomes an article is decided after the batch, by its rules.
    if not of_kind(EDITED, apart) and not of_kind(RETOLD, apart):
        assert [told(each) for each in whole] == [told(each) for each in apart]
