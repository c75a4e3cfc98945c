"""Whoever looks for a message finds it in docs/troubleshooting.md, and finds none there that is never said."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.docs import messages

PAGE = (messages.ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
#: A line of a list that is nothing but a text of the program's.
_LISTED = re.compile(r"^- (?P<mark>`+) ?(?P<text>.+?) ?(?P=mark)$", re.MULTILINE)


@pytest.fixture(scope="module")
def said() -> Mapping[str, str]:
    return messages.messages()


def test_each_message_that_an_operator_may_meet_is_on_the_page(said: Mapping[str, str]) -> None:
    listed = {found["text"] for found in _LISTED.finditer(PAGE)}
    assert {text: place for text, place in said.items() if text not in listed} == {}, (
        "docs/troubleshooting.md must say what it means and what to do"
    )


def test_the_page_lists_no_message_that_is_never_said_and_none_twice(said: Mapping[str, str]) -> None:
    listed = [found["text"] for found in _LISTED.finditer(PAGE)]
    assert [text for text in listed if text not in said] == []
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    "section", re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:], ids=lambda text: text.split("\n")[0]
)
def test_each_situation_has_its_texts(section: str) -> None:
    assert _LISTED.search(section)
