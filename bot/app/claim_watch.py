"""Asks channels who reacted to the messages that somebody may claim, and keeps what that means as any press.

A channel is asked one thing a second at most, and nothing while no message waits for a claim or holds one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from bot import model, pipeline, ports
from bot.pipeline import reactions

log = structlog.get_logger("wirewatch")

#: Between two rounds, and between two questions of one.
EVERY, APART = timedelta(seconds=10), timedelta(seconds=1)
#: A channel that does not answer so long is asked again in the next round.
_PATIENCE = timedelta(seconds=30)

Take = Callable[[ports.Press, Sequence[str]], Awaitable[str]]


class ClaimWatch:
    """Of the channels that one process sends to."""

    def __init__(
        self, store: ports.Store, clock: ports.Clock, *, snapshot: Callable[[], pipeline.Snapshot], take: Take
    ) -> None:
        """``take``: keeps a press on a message of one of the named channels."""
        self._store = store
        self._clock = clock
        self._snapshot = snapshot
        self._take = take

    async def run(self, channels: Sequence[ports.Channel], *, others: Sequence[str]) -> None:
        """Until cancelled. ``others``: every channel that there is."""
        async with asyncio.TaskGroup() as group:
            for channel in channels:
                if isinstance(channel, ports.ShowsReactions):
                    group.create_task(self._watch(channel, others))

    async def _watch(self, channel: ports.ShowsReactions, others: Sequence[str]) -> None:
        failures = 0
        while True:
            await self._clock.sleep(max(EVERY, model.backoff(failures)) if failures else EVERY)
            if not channel.abilities.reactions:
                continue
            try:
                failures = failures + 1 if await self._look(channel, others) else 0
            except ports.StoreError as error:
                log.error("store unavailable; trying again", error=str(error))

    async def _look(self, channel: ports.ShowsReactions, others: Sequence[str]) -> bool:
        """Ask for every message that is watched; whether no question was answered."""
        snapshot, now = self._snapshot(), self._clock.now()
        wanted = await self._store.read(
            lambda tx: reactions.watched(tx, snapshot, channel.name, others=others, now=now)
        )
        failures: list[Exception] = []
        for one in wanted:
            try:
                async with asyncio.timeout(_PATIENCE.total_seconds()):
                    reacted = await channel.reacted(one.receipt)
            except Exception as error:
                failures.append(error)
                if not isinstance(error, TimeoutError | ports.SendError):
                    # Our bug in one channel must not end the others' work.
                    log.critical("channel broke", channel=channel.name, exc_info=True)
            else:
                await self._keep(one, reacted)
            await self._clock.sleep(APART)
        if not failures or len(failures) < len(wanted):
            # One message may have been deleted.
            return False
        log.warning("reactions not read", channel=channel.name, error=str(failures[-1]) or "no answer in time")
        return True

    async def _keep(self, one: reactions.Watched, reacted: Sequence[ports.Person]) -> None:
        now = self._clock.now()
        press = await self._store.read(lambda tx: reactions.press_of(tx, one, reacted, now=now))
        if press is not None:
            await self._take(press, [one.channel])
