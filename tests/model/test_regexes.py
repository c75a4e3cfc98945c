"""Regular expressions that are compiled at their first use behave as those of re.compile."""

from __future__ import annotations

import re

import pytest

from bot.model import regexes


def test_a_late_expression_finds_what_the_early_one_finds() -> None:
    early, late = re.compile(r"(\d+)x", re.IGNORECASE), regexes.compile(r"(\d+)x", re.IGNORECASE)
    text = "1x 22X 3"
    assert late.findall(text) == early.findall(text)
    assert late.sub("-", text) == early.sub("-", text)
    assert late.split(text) == early.split(text)
    assert [found.span() for found in late.finditer(text)] == [found.span() for found in early.finditer(text)]
    assert late.match(text, 3) is not None
    assert (late.pattern, late.flags) == (early.pattern, early.flags)


def test_the_text_is_asked_for_once_and_at_the_first_use() -> None:
    asked = []

    def text() -> str:
        asked.append(1)
        return "a+"

    late = regexes.compile(text)
    assert asked == []
    assert [late.fullmatch("aa") is not None, late.search("b")] == [True, None]
    assert asked == [1]


def test_a_wrong_expression_is_told_at_its_first_use() -> None:
    late = regexes.compile("(")
    with pytest.raises(re.error):
        late.match("a")
    with pytest.raises(AttributeError):
        _ = late.nothing  # type: ignore[attr-defined]
