"""A process that writes whole transactions until it is killed: an article, its story and its message, or nothing."""

from __future__ import annotations

import asyncio
import itertools
import sys

from bot import storage
from testbed.fakes import FakeClock
from testbed.made import article, sending, story


async def main(address: str) -> None:
    store = storage.open_store(address, clock=FakeClock())
    start = await store.read(lambda tx: tx.articles.count())
    for n in itertools.count(start):
        item = article(str(n))

        def work(tx: storage.Transaction, n: int = n) -> None:
            tx.articles.add([article(str(n))])
            tx.stories.save(story(str(n), article(str(n))))
            tx.outbox.add([sending(str(n), story=str(n))])
            tx.key_values.put("last", str(n))

        await store.write(work)
        # What was said to be committed must be there after the kill.
        print(n, item.id, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
