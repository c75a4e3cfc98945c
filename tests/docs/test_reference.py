"""The reference pages say what the program says now."""

from __future__ import annotations

import pytest

from tests.docs import reference


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_a_reference_page_is_as_the_program_is_now(name: str) -> None:
    page = reference.FOLDER / name
    assert page.exists()
    assert page.read_text(encoding="utf-8") == reference.pages()[name], "run scripts/docs-reference"


def test_every_row_says_what_the_thing_is() -> None:
    rows = [
        (name, line)
        for name, text in reference.pages().items()
        for line in text.splitlines()
        if line.startswith("| ") and line.endswith("|  |")
    ]
    assert rows == []
