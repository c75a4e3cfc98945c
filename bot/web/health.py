"""Check whether the bot is ready: its last tick is recent, and the database answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from bot import storage
from bot.aio import Failure
from bot.durations import format_duration
from bot.model.errors import StoreError
from bot.pipeline.quarantine import POSTING
from bot.queries.registry import Watched
from bot.storage import keys

#: Tasks without which no message is posted.
VITAL = ("start", "task engine", "poll", "defer tasks", "send", "decide")
ANSWER_WITHIN = timedelta(seconds=3)


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the bot works, and if not, the reason."""

    is_ready: bool
    #: The text for people and for the logs of clients.
    reason: str
    #: Whether the reason may contain the database's address. Only callers with access to the page may read it.
    is_private: bool = False


async def readiness(store: storage.Store, now: datetime) -> Readiness:
    """Return whether the bot works. If not, give the reason, such as an unavailable database. Never raises."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            tick = await store.read(keys.TICK.get)
    except TimeoutError:
        return Readiness(is_ready=False, reason=f"the database gave no answer within {format_duration(ANSWER_WITHIN)}")
    except StoreError as error:
        return Readiness(is_ready=False, reason=str(error), is_private=True)
    if tick is None:
        return Readiness(is_ready=False, reason="the bot has not looked for due feeds yet")
    age = now - tick
    if age > keys.TICK_MAX_AGE:
        old = f"the bot last looked for due feeds {age.total_seconds():.0f} s ago"
        reason, is_private = (f"{old}: {store.outage_reason}", True) if store.outage_reason else (old, False)
        return Readiness(is_ready=False, reason=reason, is_private=is_private)
    if -age > keys.TICK_MAX_AGE:
        ahead = f"the bot last looked for due feeds {-age.total_seconds():.0f} s ahead of the clock, which was set back"
        return Readiness(is_ready=False, reason=ahead)
    if store.recent_failure:
        # Small transactions may succeed while articles cannot be stored.
        return Readiness(is_ready=False, reason=store.recent_failure, is_private=True)
    return Readiness(is_ready=True, reason="ok")


def _reason(failures: Sequence[Failure]) -> str:
    """Return why nothing is posted, or "" if no failure stops everything."""
    for failure in failures:
        if failure.name in POSTING:
            return f"nothing is posted: the stage “{failure.name}” fails on everything ({failure.error})"
        # A task that has failed once is started again within seconds.
        if failure.name in VITAL and failure.count > 1:
            return "a task that polls, decides or sends keeps failing"
    return ""


class Probe:
    """Checks readiness. Concurrent callers share one query of the database."""

    def __init__(self, bot: Watched) -> None:
        self._bot = bot
        self._pending: asyncio.Future[Readiness] | None = None

    async def ask(self) -> Readiness:
        """Return the readiness within ``ANSWER_WITHIN``. Never raises."""
        if self._pending is not None:
            return await asyncio.shield(self._pending)
        self._pending = pending = asyncio.get_running_loop().create_future()
        result = Readiness(is_ready=False, reason="the query was cancelled")
        try:
            result = await readiness(self._bot.store, self._bot.clock.now())
            if result.is_ready and (reason := _reason(self._bot.failures)):
                result = replace(result, is_ready=False, reason=reason)
        finally:
            self._pending = None
            pending.set_result(result)
        return result
