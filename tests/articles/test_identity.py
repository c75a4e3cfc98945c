from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot import articles, model
from testbed.archive import FEED, LONG, Archive, entry, novelties, reading
from testbed.fakes import START

OTHER = model.Feed(url="https://feeds.other.net/world.xml", name="Other")


def test_a_second_poll_of_the_same_reading_gives_nothing_new() -> None:
    archive = Archive()
    entries = [entry(number) for number in range(5)]
    assert novelties(archive.poll(*entries)) == ["new"] * 5
    assert novelties(archive.poll(*entries)) == ["seen"] * 5


def test_reordering_is_not_news() -> None:
    archive = Archive()
    entries = [entry(number) for number in range(5)]
    archive.poll(*entries)
    assert novelties(archive.poll(*reversed(entries))) == ["seen"] * 5


def test_an_item_that_slid_out_and_comes_back_is_seen() -> None:
    archive = Archive()
    archive.poll(entry(0), entry(1))
    archive.poll(entry(1), entry(2))
    assert novelties(archive.poll(entry(0), entry(1))) == ["seen", "seen"]


def test_a_late_item_with_an_old_date_is_new() -> None:
    archive = Archive()
    archive.poll(entry(0), is_baseline=True)
    late = entry(1, published=START - timedelta(days=300))
    assert novelties(archive.poll(entry(0), late)) == ["seen", "new"]


def test_on_a_baseline_what_is_older_than_the_backfill_window_keeps_its_identity_only() -> None:
    archive = Archive()
    old = entry(1, published=START - timedelta(hours=25))
    undated = entry(2, published=None)
    unread = entry(3, body=None, identity_only=True)
    ahead = entry(4, published=START + timedelta(days=40))
    assert novelties(archive.poll(entry(0), old, undated, unread, ahead, is_baseline=True)) == [
        "new",
        "old",
        "new",
        "old",
        "new",
    ]
    assert novelties(archive.poll(entry(0), old, undated, entry(3), ahead)) == ["seen"] * 5


def test_a_date_from_before_the_web_is_no_date() -> None:
    archive = Archive()
    (found,) = archive.poll(entry(0, published=datetime(1970, 1, 1, tzinfo=UTC)), is_baseline=True).items
    assert found.novelty is articles.Novelty.NEW
    assert found.article is not None
    assert found.article.published is None


def test_a_date_in_the_future_does_not_move_the_order_of_telling() -> None:
    (found,) = Archive().poll(entry(0, published=START + timedelta(days=2))).items
    assert found.article is not None
    assert found.article.when == START


def test_an_article_that_was_kept_for_its_identity_is_told_when_its_headline_changes() -> None:
    archive = Archive()
    old = entry(0, published=START - timedelta(days=9))
    archive.poll(old, is_baseline=True)
    assert novelties(archive.poll(replace(old, body="<p>Other words.</p>"))) == ["seen"]
    assert novelties(archive.poll(replace(old, title="BlackBerry stays in Pakistan"))) == ["edited"]


def test_the_same_link_through_two_feeds_is_one_article() -> None:
    archive = Archive()
    (first,) = archive.poll(entry(0)).items
    theirs = entry(0, guid="urn:x:1", link="http://example.org/news/0?utm_source=rss#top")
    (found,) = archive.poll(theirs, feed=OTHER).items
    assert found.novelty is articles.Novelty.SAME_LINK
    assert found.stub is not None
    assert first.article is not None
    assert found.stub.id == first.article.id
    assert novelties(archive.poll(theirs, feed=OTHER)) == ["seen"]


def test_another_feeds_teaser_of_an_article_is_known_and_told_apart_once() -> None:
    archive = Archive()
    (first,) = archive.poll(entry(0)).items
    theirs = entry(0, guid="urn:x:1", body="<p>Another teaser.</p>")
    (found,) = archive.poll(theirs, feed=OTHER).items
    assert found.novelty is articles.Novelty.RETOLD
    assert found.told == (first.sighting.article,) == (found.sighting.article,)
    assert found.article is not None
    assert found.article.feed == OTHER.url
    assert found.article.id != first.sighting.article
    assert novelties(archive.poll(theirs, feed=OTHER)) == ["seen"]


def test_the_teaser_of_another_feed_is_no_edit() -> None:
    archive = Archive()
    archive.poll(entry(0))
    theirs = entry(0, guid="theirs", body="<p>Another teaser.</p>")
    archive.poll(theirs, feed=OTHER)
    assert novelties(archive.poll(replace(theirs, title="Another headline"), feed=OTHER)) == ["seen"]
    assert novelties(archive.poll(entry(0))) == ["seen"]


def test_two_machines_that_meet_an_article_of_a_feed_at_once_give_it_the_same_id() -> None:
    (one,) = Archive().poll(entry(0)).items
    (other,) = Archive().poll(entry(0, guid=None, link="http://example.org/news/0")).items
    assert one.sighting.article == other.sighting.article
    assert len(one.sighting.article) == 20


def test_a_syndicated_copy_at_another_outlet_is_another_article() -> None:
    archive = Archive()
    archive.poll(entry(0, body=LONG))
    copy = entry(0, guid="copy", link="https://www.other.net/wire/77", body=LONG)
    assert novelties(archive.poll(copy, feed=OTHER)) == ["new"]


def test_one_site_that_gives_an_article_two_addresses_in_two_feeds_has_one_article() -> None:
    archive = Archive()
    archive.poll(entry(0, body=LONG))
    section = replace(FEED, url="https://www.example.org/asia/rss")
    again = entry(0, guid="asia-0", link="https://www.example.org/asia/blackberry", body=LONG)
    assert novelties(archive.poll(again, feed=section)) == ["same link"]


def test_a_known_title_alone_proves_nothing() -> None:
    archive = Archive()
    archive.poll(*(entry(number, title="Weather warning") for number in range(6)))
    tomorrow = START + timedelta(days=1)
    fresh = [
        entry(
            number,
            title="Weather warning",
            body=f"<p>Storm {number}.</p>",
            published=tomorrow + timedelta(hours=number),
        )
        for number in range(10, 14)
    ]
    assert novelties(archive.poll(*fresh)) == ["new"] * 4


def _renamed(number: int) -> model.Entry:
    return entry(number, guid=f"new-{number}", link=f"https://www.example.org/2015/item-{number}")


def test_new_ids_over_known_titles_and_dates_are_churn_and_said() -> None:
    archive = Archive()
    archive.poll(*(entry(number) for number in range(5)))
    found = archive.poll(*(_renamed(number) for number in range(4)), entry(9))
    assert novelties(found) == ["churn"] * 4 + ["new"]
    assert found.remarks == ("the feed gave 4 known articles new ids: absorbed",)
    assert novelties(archive.poll(*(_renamed(number) for number in range(4)))) == ["seen"] * 4


def test_below_four_fifths_new_ids_are_new_articles() -> None:
    archive = Archive()
    archive.poll(*(entry(number) for number in range(5)))
    found = archive.poll(*(_renamed(number) for number in range(3)), entry(3))
    assert novelties(found) == ["new"] * 3 + ["seen"]


def test_below_three_items_new_ids_are_new_articles() -> None:
    archive = Archive()
    archive.poll(entry(0), entry(1))
    assert novelties(archive.poll(_renamed(0), _renamed(1))) == ["new", "new"]


def test_items_with_known_bytes_that_were_not_parsed_count_against_churn() -> None:
    archive = Archive()
    archive.poll(*(entry(number) for number in range(30)))
    found = archive.poll(*(_renamed(number) for number in range(3)), total=30)
    assert novelties(found) == ["new"] * 3


def test_an_id_used_again_for_another_article_is_a_new_article() -> None:
    archive = Archive()
    (first,) = archive.poll(entry(0, guid="top-story")).items
    reused = entry(3, guid="top-story")
    (second,) = archive.poll(reused, later=timedelta(hours=2)).items
    assert second.novelty is articles.Novelty.NEW
    assert first.sighting.article != second.sighting.article
    assert novelties(archive.poll(reused)) == ["seen"]


def test_an_id_used_again_without_any_link_is_a_new_article_when_headline_and_date_are_others() -> None:
    archive = Archive()
    archive.poll(entry(0, guid="top-story", link=None))
    assert novelties(archive.poll(entry(3, guid="top-story", link=None))) == ["new"]
    assert len(archive.articles) == 2


def test_a_rewritten_headline_with_its_new_address_is_an_edit() -> None:
    archive = Archive()
    archive.poll(entry(0, link="https://www.example.org/blackberry-quits", published=None))
    moved = entry(
        0,
        title="BlackBerry delays leaving Pakistan 0",
        link="https://www.example.org/blackberry-delays",
        published=None,
    )
    assert novelties(archive.poll(moved)) == ["edited"]


def test_an_article_that_moved_is_not_told_again_by_an_item_under_its_first_link() -> None:
    archive = Archive()
    archive.poll(entry(1))
    moved = entry(1, link="https://www.example.org/news/1-blackberry", body="<p>More is known now.</p>")
    bare = model.Entry(guid="a", link=entry(1).link)
    archive.poll(moved, bare)
    for _ in range(3):
        assert novelties(archive.poll(moved, bare)) == ["seen", "seen"]


def test_one_id_over_all_items_is_no_id() -> None:
    archive = Archive()
    entries = [entry(number, guid="https://www.example.org/") for number in range(4)]
    assert novelties(archive.poll(*entries)) == ["new"] * 4
    assert novelties(archive.poll(*entries[:2])) == ["seen"] * 2


def test_a_placeholder_is_no_id() -> None:
    archive = Archive()
    assert novelties(archive.poll(entry(0, guid="0"))) == ["new"]
    assert novelties(archive.poll(entry(1, guid="0", title=entry(0).title))) == ["new"]


def test_a_front_page_as_link_of_every_item_names_none_of_them() -> None:
    archive = Archive()
    entries = [entry(number, link="https://www.example.org/") for number in range(2)]
    assert novelties(archive.poll(entries[0])) == ["new"]
    assert novelties(archive.poll(*entries)) == ["seen", "new"]


def test_a_list_page_as_link_of_many_items_names_none_of_them_now_or_later() -> None:
    archive = Archive()
    page = "https://status.example.org/incidents"
    assert novelties(archive.poll(*(entry(number, link=page) for number in range(3)))) == ["new"] * 3
    assert novelties(archive.poll(entry(4, link=page, title="Certificates expire at noon"))) == ["new"]


def test_items_of_one_reading_that_repeat_an_id_or_a_link_are_one_article() -> None:
    archive = Archive()
    found = archive.poll(entry(0), entry(0, guid="again"), entry(0, link="https://www.example.org/news/0?utm_medium=x"))
    assert novelties(found) == ["new", "seen"]
    assert {item.sighting.article for item in found.items} == set(archive.articles)
    assert {item.sighting.key for item in found.items} == {"id-0", "again"}


def test_two_versions_of_one_article_in_one_reading_do_not_take_turns() -> None:
    archive = Archive()
    both = (entry(0), entry(0, guid="again", title="BlackBerry quits Pakistan today"))
    archive.poll(*both)
    for _ in range(3):
        assert set(novelties(archive.poll(*both))) == {"seen"}


def test_an_item_without_id_is_known_by_its_link() -> None:
    archive = Archive()
    archive.poll(entry(0, guid=None))
    assert novelties(archive.poll(entry(0, guid=None, title="Other headline"))) == ["edited"]


def test_an_item_without_id_and_link_is_known_by_title_and_date() -> None:
    archive = Archive()
    bare = entry(0, guid=None, link=None)
    archive.poll(bare)
    assert novelties(archive.poll(replace(bare, body="More."))) == ["edited"]
    assert novelties(archive.poll(replace(bare, published=START + timedelta(days=1), body="Again."))) == ["new"]


def test_an_item_without_id_link_and_date_is_known_by_its_words() -> None:
    archive = Archive()
    bare = entry(0, guid=None, link=None, published=None)
    archive.poll(bare)
    assert novelties(archive.poll(bare)) == ["seen"]
    assert novelties(archive.poll(replace(bare, body="Something else happened."))) == ["new"]


def test_an_item_without_title_is_called_by_its_first_words() -> None:
    (found,) = Archive().poll(entry(0, title=None, body="<p>PTA <b>demands</b> a key.</p><p>More.</p>")).items
    assert found.article is not None
    assert found.article.title == "PTA demands a key."


def test_an_item_that_says_nothing_is_left_out() -> None:
    assert Archive().poll(model.Entry(), model.Entry(title=" <br> ", link="mailto:x@example.org")).items == ()


def test_an_id_that_is_an_address_is_the_link_where_no_other_is_given() -> None:
    (found,) = Archive().poll(entry(0, guid="https://www.example.org/a?utm_source=x", link=None)).items
    assert found.article is not None
    assert found.article.link == "https://www.example.org/a"


def test_a_changed_text_is_an_edit_under_the_same_id_and_then_seen() -> None:
    archive = Archive()
    (first,) = archive.poll(entry(0)).items
    changed = entry(0, body="<p>The deadline is 30 December.</p>")
    (found,) = archive.poll(changed).items
    assert found.novelty is articles.Novelty.EDITED
    assert found.article is not None
    assert found.article.id == first.sighting.article
    assert novelties(archive.poll(changed)) == ["seen"]


def test_changes_of_case_quotes_and_white_space_are_silent() -> None:
    archive = Archive()
    archive.poll(entry(0, title="BlackBerry 'quits' Pakistan", body="<p>One  two.</p>"))
    assert novelties(archive.poll(entry(0, title="Blackberry “quits” Pakistan", body="<div>One two</div>"))) == ["seen"]


def test_one_changed_date_is_an_edit_but_a_feed_that_dates_all_anew_is_not_believed() -> None:
    archive = Archive()
    entries = [entry(number) for number in range(4)]
    archive.poll(*entries)
    later = START + timedelta(hours=1)
    assert novelties(archive.poll(replace(entries[0], published=later), *entries[1:])) == ["edited"] + ["seen"] * 3
    stamped = [replace(each, published=later + timedelta(hours=1)) for each in entries]
    assert novelties(archive.poll(*stamped)) == ["seen"] * 4


@pytest.mark.parametrize(
    ("name", "title", "outlet"),
    [
        ("Karachi Wire", "Reuters", "Karachi Wire"),
        (None, "Reuters", "Reuters (example.org)"),
        (None, " Reuters \n Wire ", "Reuters Wire (example.org)"),
        (None, "Example.org", "example.org"),
        (None, None, "example.org"),
    ],
)
def test_without_a_name_an_outlet_is_shown_with_its_host(name: str | None, title: str | None, outlet: str) -> None:
    assert articles.outlet_of(replace(FEED, name=name), title) == outlet


def test_the_article_carries_outlet_owner_and_what_the_entry_says() -> None:
    feed = replace(FEED, name=None)
    document = reading(entry(0, author="A. Khan", tags=("asia",)), language="en")
    look_up = articles.look_up(feed, document)
    known = Archive().known(feed.url, look_up)
    found = articles.identify(
        feed, document, known, now=START, backfill=timedelta(days=1), is_baseline=False, feed_title="Example News"
    )
    article = found.items[0].article
    assert article is not None
    assert (article.outlet, article.owner, article.author, article.language) == (
        "Example News (example.org)",
        "example.org",
        "A. Khan",
        "en",
    )
    assert article.first_seen == START
