"""A bot that is not started, and what it is crashed with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.crash import volume
from tests.crash.process import Bot, bot_in
from tests.testbed.servers import absent


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with bot_in(tmp_path) as unstarted:
        yield unstarted


@pytest.fixture
def disk(bot: Bot) -> Iterator[volume.Volume]:
    try:
        with volume.mounted(bot.database.parent) as mounted:
            yield mounted
    except absent.Absent as reason:
        absent.skip(reason, unless="VOLUME_TEST")


@pytest.fixture
def failing_disk(bot: Bot) -> Iterator[volume.Disk]:
    try:
        with volume.disk(bot.folder.parent / "disk.img", bot.database.parent) as mounted:
            yield mounted
    except absent.Absent as reason:
        absent.skip(reason, unless="DISK_TEST")
