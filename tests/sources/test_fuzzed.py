"""What fuzzing has found."""

from __future__ import annotations

import pytest

from bot import model
from bot.feeds.kit import charset, sniff
from tests.sources.documents import URL, item, read, rss


@pytest.mark.parametrize(
    "place", ['<base href="http://[">', '<a href="http://[/rss">x</a>', '<link rel="feed" href="//[">']
)
def test_an_address_with_an_open_bracket_hides_no_other_feed_of_a_page(place: str) -> None:
    page = f'<html>{place}<link rel="alternate" type="application/rss+xml" href="/feed.xml"></html>'
    assert sniff.find_offered_feeds(page.encode(), "text/html", URL) == ("https://news.example.org/feed.xml",)
    with pytest.raises(model.IsPage):
        read(page)


def test_marks_of_byte_order_before_a_document_are_nothing_however_many() -> None:
    document = b"\xef\xbb\xbf" * 3 + rss(item(1)).encode()
    assert not charset.decode(document, "").text.startswith("\ufeff")
    assert len(read(document).entries) == 1
