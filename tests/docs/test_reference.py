"""The reference pages are up to date, and docs/troubleshooting.md quotes only messages that the program has."""

from __future__ import annotations

import re

import pytest

from scripts.pages import messages, reference

#: A line of a list that is nothing but a message of the program.
_LISTED = re.compile(r"^- (?P<mark>`+) ?(?P<text>.+?) ?(?P=mark)$", re.MULTILINE)


@pytest.mark.parametrize("name", reference.NAMES)
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_reference_page_is_as_the_program_is_now(name: str) -> None:
    page = reference.FOLDER / name
    assert page.exists()
    assert page.read_text(encoding="utf-8") == reference.page(name), "run scripts/docs-reference"


def test_every_row_of_a_reference_page_has_a_description() -> None:
    rows = [
        (name, line)
        for name in reference.NAMES
        for line in (reference.FOLDER / name).read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and line.endswith("|  |")
    ]
    assert rows == []


def test_the_troubleshooting_page_quotes_each_message_of_the_program_at_most_once() -> None:
    page = (messages.ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = [match["text"] for match in _LISTED.finditer(page)]
    assert len(quoted) > 20
    assert set(quoted) <= messages.messages().keys()
    assert len(set(quoted)) == len(quoted)
