"""Large bodies are held a few at a time; small ones wait for nobody, and waiting is not the server's time."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.fetch.slots import SMALL_BYTES, MemoryRoom
from tests.fetch.conftest import POLICY, MakeFetcher, configured
from tests.testbed.servers.feeds import FeedServer, Reply

LARGE = b"<rss>" + b"x" * SMALL_BYTES
POLLS = 8


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=LARGE),
        Reply(body=gzip.compress(LARGE)),
    ],
    ids=["plain", "packed and nothing says so"],
)
async def test_four_large_bodies_are_held_and_the_others_come_as_those_are_stored(
    server: FeedServer, make_fetcher: MakeFetcher, reply: Reply
) -> None:
    fetcher = make_fetcher(replace(POLICY, per_host=POLLS + 1, timeout=timedelta(seconds=1)))
    server.serve("/feed", reply)
    server.serve("/small", b"<rss/>")
    room = MemoryRoom()
    shares = [room.share() for _ in range(POLLS)]
    async with asyncio.TaskGroup() as polls:
        downloads = [polls.create_task(fetcher.get(configured(url=server.url(), hold=share.hold))) for share in shares]
        # Longer than the server may take, and nobody stores what came.
        await asyncio.sleep(1.2)
        assert sum(task.done() for task in downloads) == POLLS / 2
        assert (await fetcher.get(configured(url=server.url("/small"), hold=room.share().hold))).body == b"<rss/>"
        for share in shares:
            share.close()
            share.close()
    assert [len(task.result().body) for task in downloads] == [len(LARGE)] * POLLS


async def test_a_poll_that_is_given_up_while_it_waits_takes_no_room() -> None:
    room = MemoryRoom()
    shares = [room.share() for _ in range(POLLS)]
    for share in shares[:4]:
        await share.hold(SMALL_BYTES + 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await shares[4].hold(SMALL_BYTES + 1)
    for share in shares:
        share.close()
    for share in shares[4:]:
        async with asyncio.timeout(30):
            await share.hold(SMALL_BYTES + 1)
