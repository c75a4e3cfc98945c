from __future__ import annotations

import pytest

from bot import articles


@pytest.mark.parametrize(
    "text",
    [
        "The regulator told operators on Wednesday that…",
        "The regulator told operators on Wednesday that...",
        "The regulator told operators […]",
        "The regulator told operators [...]",
        "The regulator told operators that they must.\n\nContinue reading →",
        "The regulator told operators. Read more »",
        "The regulator told operators. Read the full story.",
        "Оператори мають відповісти. Читати далі",
        "La autoridad dijo el miércoles. Leer más",
    ],
)
def test_a_teaser_that_goes_on_elsewhere_is_cut(text: str) -> None:
    assert articles.is_cut(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The regulator told operators.",
        "“Well… no,” he said.",
        "Children should read more books.",
        "Read more: what the order says. " + "The order names five services that must open. " * 3,
        "Spread more",
    ],
)
def test_a_text_that_ends_is_whole(text: str) -> None:
    assert not articles.is_cut(text)
