"""The real process over a database that it cannot write: a clear message, bad health, nothing lost when mended."""

from __future__ import annotations

import pytest

from tests.crash import volume
from tests.crash.process import Bot


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_full_disk_is_reported_makes_the_health_bad_and_loses_nothing(bot: Bot, disk: volume.Volume) -> None:
    async with bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(2)
        await bot.publish_and_await_poll(5)
        disk.fill()
        await bot.until(lambda: "the disk is full; free space, nothing is lost" in bot.log)
        assert "the disk is full" in await bot.until_health_is(503)
        assert len(bot.heads) == 2, "an alert that is not stored is not posted"
        disk.free()
        await bot.until_health_is(200)
        await bot.until(lambda: len(bot.heads) >= 5)
    assert bot.heads == bot.names(5)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_read_only_volume_is_reported_at_the_start_and_nothing_is_lost(bot: Bot, disk: volume.Volume) -> None:
    async with bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(2)
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


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_disk_that_turns_read_only_under_the_bot_is_reported_makes_the_health_bad_and_loses_nothing(
    bot: Bot, failing_disk: volume.Disk
) -> None:
    async with bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(2)
        failing_disk.turn_read_only()
        bot.publish(5)
        await bot.until(lambda: "its file system turned read-only; see dmesg and mount" in bot.log)
        assert "file system turned read-only" in await bot.until_health_is(503)
        assert len(bot.heads) == 2, "an alert that is not stored is not posted"
    # It has ended in order although it could not write that down: the disk can be taken off and mended.
    failing_disk.mend()
    await bot.run_until_all_is_told()
