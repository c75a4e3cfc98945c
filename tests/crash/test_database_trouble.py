"""The real process over a database that it cannot write: a clear message, bad health, nothing lost when mended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.process import Bot
from tests.testbed.servers import absent

_SIZE = "4m"
_BLOCK = bytes(4096)


class Volume:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """To the last block."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_BLOCK)
            except OSError:
                pass

    def free(self) -> None:
        self._ballast.unlink()

    def make_read_only(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.folder))

    def make_writable(self) -> None:
        _run("mount", "-o", "remount,rw", str(self.folder))


@pytest.fixture
def disk(bot: Bot) -> Iterator[Volume]:
    """A small volume for the database: to fill, and to make read-only."""
    folder = bot.database.parent
    folder.mkdir(parents=True)
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "wirewatch-test", str(folder))
    except (OSError, subprocess.CalledProcessError):
        reason = absent.Absent("the test of a full and of a read-only volume mounts one, as root")
        absent.skip(reason, unless="VOLUME_TEST")
    try:
        yield Volume(folder)
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, timeout=300, text=True).stdout


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_full_disk_and_a_read_only_volume_are_reported_and_nothing_is_lost(bot: Bot, disk: Volume) -> None:
    async with bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(1)
        await bot.publish_and_await_poll(3)
        disk.fill()
        await bot.until(lambda: "the disk is full; free space, nothing is lost" in bot.log)
        assert "the disk is full" in await bot.until_health_is(503)
        assert len(bot.heads) == 1, "an alert that is not stored is not posted"
        disk.free()
        await bot.until_health_is(200)
        await bot.until(lambda: len(bot.heads) >= 3)
    assert bot.heads == bot.names(3)
    disk.make_read_only()
    bot.publish(5)
    for command in ("run", "once"):
        process = await bot.start(command)
        assert await process.wait() == 2, bot.log
    assert bot.log.count("Read-only file system; this user must be able to write there") == 2
    check = await bot.start("status", "--ready")
    assert await check.wait() == 1, bot.log
    disk.make_writable()
    await bot.run_until_all_is_told()
