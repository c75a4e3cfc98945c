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
