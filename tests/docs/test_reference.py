"""The reference pages are up to date."""

from __future__ import annotations

import pytest

from scripts.pages import reference


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
