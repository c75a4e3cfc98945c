"""One process of several over one PostgreSQL: what the tasks of the cluster do here."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from datetime import timedelta
from functools import partial

from bot import ports
from bot.app.engines import task_queue
from bot.app.engines.stages import Stages
from bot.maintenance.heartbeat import ALIVE_EVERY, Heartbeat
from bot.pipeline.deciding import BATCH, Deciding
from bot.pipeline.passes import EndsAt
from bot.ports.tasks import STORE_PAUSE, TaskGroup

#: Into how many the channels are shared out. The number is the cluster's, so it is no setting: workers that disagreed
#: would send for one channel side by side.
SHARES = 4
#: An empty decision queue is looked into this often.
LOOK = timedelta(seconds=0.5)
#: An identity that was reserved for a new article is forgotten after this long: the transaction that adds the article
#: has ended by then, and its own rows tell other workers that the article is known.
GUARDED = timedelta(hours=1)


class ClusterEngine:
    """Implements Engine, and for the task queue its Work: what this process does of each task.

    A failure of the database, which the store logs, ends a task; the next tick defers it again.
    """

    shares = SHARES

    def __init__(self, stages: Stages, *, deciding: Deciding, heart: Heartbeat, conninfo: str) -> None:
        """``conninfo``: the database's address as libpq reads it, with what is secret in it."""
        self._stages = stages
        self._deciding = deciding
        self._heartbeat = heart
        self._conninfo = conninfo

    async def run(self, stop: asyncio.Event) -> None:
        """Take part until ``stop``. Raises StoreUnavailable at the start."""
        async with TaskGroup() as group:
            # Not cut off: a word that comes after the end would make it a sudden one.
            living = group.create_task(self._live(stop))
            try:
                await task_queue.TaskQueue(self._conninfo, self).run(stop)
            except BaseException:
                living.cancel()
                raise

    async def _live(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(ports.StoreError):
                await self._heartbeat.live()
            await _wait(stop, ALIVE_EVERY)

    async def tell_of_dead(self) -> None:
        with contextlib.suppress(ports.StoreError):
            await self._heartbeat.tell_of_dead()

    @property
    def batch(self) -> int:
        """As many as are fetched at once: a batch ends when its slowest feed does."""
        return self._stages.live.settings.bot.fetch.concurrency

    async def tick(self) -> int:
        stages = self._stages
        try:
            await stages.note_tick()
            now = stages.clock.now()
            return await stages.store.read(lambda tx: tx.feeds.count_due(now=now))
        except ports.StoreError:
            return 0

    async def poll(self, token: str) -> None:
        stages = self._stages
        try:
            _, states = await stages.pipeline.claim(limit=self.batch, token=token)
            try:
                passed = await stages.pipeline.run(token, states, stages.live.snapshot, ends_at=EndsAt.QUEUE)
            except BaseException:
                # Cut off: the feeds are free for the others now, not when their lease has run out.
                await asyncio.shield(self.let_go(token))
                raise
        except ports.StoreError:
            return
        stages.on_pass(passed)

    async def let_go(self, token: str) -> None:
        # Without it their lease runs out.
        with contextlib.suppress(ports.StoreError):
            await self._stages.pipeline.let_go(token)

    async def decide(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                batch = await self._deciding.decide_batch(self._stages.live.snapshot, limit=BATCH)
            except ports.StoreError:
                await _wait(over, STORE_PAUSE)
                continue
            if batch.taken < BATCH:
                await _wait(over, LOOK)

    async def send(self, share: int, over: asyncio.Event) -> None:
        await self._stages.send(over, is_ours=partial(_is_of, share))

    async def keep(self) -> None:
        """Delete what is past its retention; what fails is done a minute later."""
        stages = self._stages
        before = stages.clock.now() - GUARDED
        with contextlib.suppress(ports.StoreError):
            await stages.maintain()
            await stages.store.write(lambda tx: tx.articles.forget_fresh(before=before))


def _is_of(share: int, channel: ports.Channel) -> bool:
    """Channels of one account share one sender: what closes the account closes them all."""
    return zlib.crc32(channel.account.encode()) % SHARES == share


async def _wait(over: asyncio.Event, duration: timedelta) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(duration.total_seconds()):
            await over.wait()
