"""Marked words are the matched ones, also when the outlet has edited its article since."""

from __future__ import annotations

from bot import model
from bot.stories import summaries

BEFORE = "PTA orders BlackBerry out."


def match(text: str) -> model.Match:
    start = BEFORE.index(text)
    found = model.Evidence(label="product", term=text, field="title", text=text, start=start, end=start + len(text))
    return model.Match(rule="BlackBerry", rule_version="1", evidence=(found,))


def marked(text: str) -> list[str]:
    return [text[start:end] for start, end in summaries.find_places([match("BlackBerry")], field="title", text=text)]


def test_the_matched_words_are_marked_where_they_matched() -> None:
    assert marked(BEFORE) == ["BlackBerry"]


def test_in_an_edited_text_they_are_marked_where_they_stand_now_and_nothing_else_is() -> None:
    assert marked("Regulator now orders BlackBerry out.") == ["BlackBerry"]
    assert marked("Regulator lets the handset maker stay.") == []


def test_of_a_word_that_is_everywhere_a_bounded_number_of_places_is_looked_at() -> None:
    for word, text in (("BlackBerry", "BlackBerry " * 100_000), ("PTA", "PTA." * 250_000), ("PTA", "PTAP" * 250_000)):
        places = summaries.find_places([match(word)], field="body", text=text)
        assert len(places) <= summaries.MOST_OCCURRENCES
        assert all(text[start:end] == word for start, end in places)
