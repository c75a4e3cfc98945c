"""Documents over which feedparser would take minutes are refused before, and none other."""

from __future__ import annotations

import pytest

from bot import model
from tests.sources.documents import item, read, rss


def _element(count: int) -> str:
    return "<x " + " ".join(f"a{number}='1'" for number in range(count)) + "/>"


def test_an_element_of_very_many_attributes_is_refused() -> None:
    with pytest.raises(model.ReadError, match="refused: an element with 5000 attributes"):
        read(rss(item(1, extra=_element(5_000))))
    assert len(read(rss(item(1, extra=_element(900)))).entries) == 1


def test_a_long_text_with_many_equals_signs_is_none() -> None:
    assert len(read(rss(item(1, body="a = b, c=d " * 5_000, extra="<odd/>"))).entries) == 1


def test_very_many_items_that_can_only_be_parsed_together_are_refused() -> None:
    with pytest.raises(model.ReadError, match="refused: 5001 items that can only be parsed together"):
        read(rss(*(item(1, body="AT&T & more") * 5_001,)))
    assert len(read(rss(item(1, body="AT&T & more"))).entries) == 1


def test_of_very_many_items_no_more_is_remembered_than_of_the_most_that_are_read() -> None:
    reading = read(rss("<item><title>x</title></item>" * 20_000))
    assert len(reading.entries) == len(reading.item_hashes) == 5_000


@pytest.mark.parametrize("name", ["description", "title"])
def test_an_item_of_very_many_elements_is_refused(name: str) -> None:
    with pytest.raises(model.ReadError, match="refused: an element with more than 10000 others in it"):
        read(rss(item(1, extra=f"<{name}>x</{name}>" * 20_000)))
