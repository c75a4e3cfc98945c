"""Chunks of a text say the same however they are cut and remembered."""

from __future__ import annotations

import pytest

from bot.rules import vocabulary
from tests.rules.making import FEED, NOW, article, has, rule, rule_set


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(back-door), “said” no. U.S. 5,000", '( back door ) , " said " no . U.S . 5,000'),
        ('a "b" (c) d; e', 'a " b " ( c ) d; e'),
        ("x\n \ny", f"x {vocabulary.BREAK} y"),
        ("x\r\ny\r\n\r\nz", f"x y {vocabulary.BREAK} z"),
        ("“x” – ’y", '" x " \'y'),
        ("it's \"Acme\"'s", "it's \"Acme\"'s"),
    ],
)
def test_marks_that_belong_to_no_word_stand_apart(text: str, expected: str) -> None:
    assert vocabulary.split_chunks(text) == expected.split()


@pytest.mark.parametrize(
    "text", ['"Acme"\'s plan', '"Acme"\u00ad\'s plan', "(Acme)’s plan", "Acme’s plan", "U.S.'s plan"]
)
def test_a_possessive_behind_a_mark_is_no_word(text: str) -> None:
    assert not has("{s}", body(text))
    assert has("plan NOT {s}", body(text))


def body(text: str) -> str:
    return f"Of {text}, é"


def test_a_phrase_ends_at_marks_and_goes_over_dashes_and_possessives() -> None:
    yes = (
        "a back door",
        "back-door",
        "back — door",
        "back’s door",
        "(back door)",
        "back\ndoor",
        "back\r\ndoor",
        "the “back door”",
    )
    no = (
        "back, door",
        "back. Door",
        "back? door",
        "back\n\ndoor",
        "back (door)",
        "back “door”",
        "back: door",
        "backdoor",
    )
    assert [text for text in yes if not has('"back door"', "x", text)] == []
    assert [text for text in no if has('"back door"', "x", text)] == []


def test_a_phrase_does_not_go_from_the_title_into_the_text() -> None:
    assert not has('"back door"', "They come back", "Door is shut")


def test_a_long_phrase_is_found_wherever_its_beginning_is_said_before() -> None:
    asked = rule_set(rule(any=["one two three four"]))
    for text, expected in (("one two one two three four", ("a rule",)), ("one two three and three four", ())):
        assert asked.matching(article("x", text), FEED, now=NOW) == expected


def test_what_is_forgotten_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MEMO_CHUNKS", 3)
    asked = rule_set(rule(any=["BES", "bes*", "back door"]), rule(name="other", any=["besides", "law/order"]))
    texts = ["BES/1 BES/2", "BES/3 back/door", "besides BES", "back-door", "law/order", "BES/4", "nothing"] * 3
    found = [asked.matching(article("x", text), FEED, now=NOW) for text in texts]
    both = ("a rule", "other")
    one = ("a rule",)
    assert found == [one, one, both, one, ("other",), one, ()] * 3
