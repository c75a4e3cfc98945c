"""A busy hour on every kind of channel: nothing is lost from sight."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.quality import gathered

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.mark.long
async def test_every_headline_of_a_gathered_is_shown_with_its_link_and_stays_after_each_edit(tmp_path: Path) -> None:
    readers = await gathered.run(tmp_path, stories=40)
    assert {name: (len(reader.shown), len(reader.lost)) for name, reader in readers.items()} == dict.fromkeys(
        readers, (40, 0)
    )


@pytest.mark.long
@pytest.mark.parametrize("stories", [1, 2, 15, 18, 21, 37, 60])
async def test_a_first_look_that_leaves_stories_out_shows_every_headline_with_its_link(
    stories: int, tmp_path: Path
) -> None:
    readers = await gathered.first_look(tmp_path, stories=stories, left_out=3)
    assert {name: len(reader.shown) for name, reader in readers.items()} == dict.fromkeys(readers, stories)
