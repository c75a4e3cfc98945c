"""One process of several over one PostgreSQL: what the tasks of the cluster do here."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot import pipeline, ports, storage
from bot.app.engines import task_queue
from bot.app.engines.local import OnPass
from bot.maintenance import heartbeat, retention, sealing

if TYPE_CHECKING:
    from bot.app.runtime import App

log = structlog.get_logger("wirewatch")

#: Into how many the channels are shared out. The number is the cluster's, so it is no setting: workers that disagreed
#: would send for one channel side by side.
SHARES = 4
#: The desk looks into an empty tray this often.
LOOK = timedelta(seconds=0.5)
#: Guards of new articles are needed while the transaction that added them runs.
GUARDED = timedelta(hours=1)
#: After a failure of the database.
WAIT = timedelta(seconds=2)


class Together:
    """The work of ``cluster``, done by one app."""

    shares = SHARES

    def __init__(self, app: App, conninfo: str, *, on_pass: OnPass) -> None:
        self._app = app
        self._conninfo = conninfo
        self._on_pass = on_pass

    async def run(self, stop: asyncio.Event) -> None:
        """Take part until ``stop``. Raises StoreUnavailable at the start."""
        async with asyncio.TaskGroup() as group:
            # Not cut off: a word that comes after the end would make it a sudden one.
            living = group.create_task(self._live(stop))
            try:
                await task_queue.Cluster(self._conninfo, self).run(stop)
            except BaseException:
                living.cancel()
                raise

    async def _live(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._app.presence.live()
            except ports.StoreError as error:
                log.error("sign of life not written down; trying again", error=str(error))
            await _wait(stop, heartbeat.ALIVE_EVERY)

    async def tell_of_dead(self) -> None:
        try:
            await self._app.presence.tell_of_dead()
        except ports.StoreError as error:
            log.error("ends of workers not written down; trying again", error=str(error))

    @property
    def batch(self) -> int:
        """As many as are fetched at once: a batch ends when its slowest feed does."""
        return self._app.settings.bot.fetch.concurrency

    async def tick(self) -> int:
        app = self._app
        try:
            await app.note_tick()
            now = app.clock.now()
            return await app.store.read(lambda tx: tx.feeds.count_due(now=now))
        except ports.StoreError as error:
            log.error("tick failed", error=str(error))
            return 0

    async def poll(self, token: str) -> None:
        app = self._app
        try:
            _, states = await app.pipeline.claim(limit=self.batch, token=token)
            try:
                passed = await app.pipeline.run(token, states, app.snapshot, ends_at=pipeline.EndsAt.TRAY)
            except BaseException:
                # Cut off: the feeds are free for the others now, not when their lease has run out.
                await asyncio.shield(self.let_go(token))
                raise
        except ports.StoreError as error:
            log.error("pass failed", error=str(error))
            return
        self._on_pass(passed)

    async def let_go(self, token: str) -> None:
        now = self._app.clock.now()
        # Without it their lease runs out.
        with contextlib.suppress(ports.StoreError):
            await self._app.store.write(lambda tx: tx.feeds.renew(token, until=now))

    async def decide(self, over: asyncio.Event) -> None:
        app = self._app
        while not over.is_set():
            try:
                turn = await app.deciding.take_turn(app.snapshot, limit=pipeline.TURN)
            except ports.StoreError as error:
                log.error("the desk's turn failed", error=str(error))
                await _wait(over, WAIT)
                continue
            if turn.taken < pipeline.TURN:
                await _wait(over, LOOK)

    async def send(self, share: int, over: asyncio.Event) -> None:
        await self._app.send(over, is_ours=partial(_is_of, share))

    async def keep(self) -> None:
        app = self._app
        before = app.clock.now() - GUARDED
        try:
            await sealing.seal_closed_days(app.store, app.clock, post_to=app.seals_go_to())
            await retention.trim_when_due(app.store, app.clock, keep=app.keep(), trim=app.trim)
            await app.store.write(lambda tx: tx.articles.forget_fresh(before=before))
        except ports.StoreError as error:
            log.error("upkeep failed; trying again", error=str(error))


def _is_of(share: int, channel: ports.Channel) -> bool:
    """Channels of one account share one sender: what closes the account closes them all."""
    return zlib.crc32(channel.account.encode()) % SHARES == share


async def _wait(over: asyncio.Event, duration: timedelta) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), duration.total_seconds())


def of(app: App, address: str, *, on_pass: OnPass) -> Together:
    """``address`` as in bot.yaml, with what is secret in it."""
    return Together(app, storage.libpq_address(address), on_pass=on_pass)
