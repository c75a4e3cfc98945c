"""What the store is asked about one reading."""

from __future__ import annotations

from bot import articles
from testbed.archive import FEED, entry, reading


def test_of_a_feed_of_which_nothing_is_stored_only_links_and_texts_are_asked_for() -> None:
    document = reading(entry(1, body="<p>" + "A long text. " * 40 + "</p>"))
    first, later = articles.look_up(FEED, document, is_first=True), articles.look_up(FEED, document)
    assert first.items == later.items
    assert (first.question.keys, first.question.titles) == ((), ())
    assert first.question.links == later.question.links != ()
    assert first.question.fingerprints == later.question.fingerprints != ()
    assert later.question.keys
    assert later.question.titles


def test_an_entry_that_has_nothing_but_the_id_of_another_says_nothing() -> None:
    """Found by fuzzing: without its id, which is taken from both, it has no title either."""
    bare = entry(1, link=None, title=None, body=None)
    found = articles.look_up(FEED, reading(entry(1), bare, entry(2))).items
    assert [item.title for item in found] == ["Rain stops play at Lord's 1", "Tax bill passes 2"]
    assert all(item.key for item in found)
