"""Titles without the outlet that names itself in them."""

from __future__ import annotations

import pytest

from bot.text import headlines

TITLE = "Bank fined over loans to students"


@pytest.mark.parametrize(
    ("tail", "outlet", "link"),
    [
        (" - Channel 5 Action News - Riverton, Westland", "Channel 5", ""),
        (" | The Gazette", "Gazette", ""),
        (" - Gazette", "The Gazette: Business", ""),
        (" — Gazette.example", "feed", "https://www.gazette.example/2015/bank"),
        (" - GAZETTE News, Weather & Sports", "feed", "https://gazette.co.uk/1"),
        ("| Gazette", "Gazette", ""),
        (" :: Gazette :: Money", "Gazette", ""),
    ],
)
def test_the_outlet_at_the_end_of_a_title_is_left_out(tail: str, outlet: str, link: str) -> None:
    assert headlines.without_outlet(TITLE + tail, outlet=outlet, link=link) == TITLE


@pytest.mark.parametrize(
    "title",
    [
        TITLE,
        "Bank fined over loans - regulator speaks of a warning",
        "Gazette - Bank fined over loans to students",
        "Bank-fined students sue the Gazette",
        "",
    ],
)
def test_other_titles_stay_whole_and_an_outlet_of_two_letters_begins_too_many_words(title: str) -> None:
    for outlet in ("Gazette", "Re"):
        assert headlines.without_outlet(title, outlet=outlet, link="https://gazette.example/1") == title


@pytest.mark.parametrize("dress", ["UPDATE 2: ", "REFILE-BRIEF-", "Just in | ", "BREAKING NEWS: LIVE – "])
def test_the_sort_of_item_before_a_title_is_left_out(dress: str) -> None:
    assert headlines.bare_title(dress + TITLE) == TITLE


@pytest.mark.parametrize("title", [TITLE, "Live music returns to the harbour", "BREAKING:", ""])
def test_a_title_that_is_no_more_than_its_dress_stays(title: str) -> None:
    assert headlines.bare_title(title) == title


def test_a_quoted_title_keeps_what_says_that_it_is_an_opinion() -> None:
    def quoted(title: str) -> str:
        return headlines.quoted_title(title, outlet="Gazette", link="")

    assert quoted(f"LIVE: {TITLE} - Gazette") == TITLE
    assert quoted(f"Update 2: {TITLE}") == TITLE
    assert quoted(f"Opinion: {TITLE}") == f"Opinion: {TITLE}"
    assert quoted("Live: ") == "Live: "
