"""The language model of the configuration in force; nothing of it is imported where bot.yaml names none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot import config, model, storage
from bot.app.wiring import Live, Observers
from bot.model.runtime import TaskGroup
from bot.pipeline.decide import Decider

if TYPE_CHECKING:
    from bot.llm import Asker

log = structlog.get_logger("wirewatch")


class Assisting:
    """Lets a language model advise the deciding process; a reload that changes ``model`` replaces the asker."""

    def __init__(
        self,
        store: storage.Store,
        clock: model.Clock,
        *,
        live: Live,
        deciding: Decider,
        observers: Observers,
        environ: Mapping[str, str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._live = live
        self._deciding = deciding
        self._observers = observers
        self._environ = environ
        self._policy: model.LanguageModelPolicy | None = None
        self._asker: Asker | None = None
        self._changed = asyncio.Event()

    async def renew(self) -> None:
        """The configuration has changed; a model that cannot be opened is logged, and none is asked."""
        policy = self._live.settings.bot.model
        if policy == self._policy:
            return
        self._policy, before = policy, self._asker
        self._asker = self._opened(policy) if policy else None
        self._deciding.advise(self._asker)
        self._changed.set()
        if before is not None:
            await before.close()

    def _opened(self, policy: model.LanguageModelPolicy) -> Asker | None:
        # Costs start-up: the prompts and the SDK, which only a configuration with a model needs.
        from bot.llm import Asker, open_model

        try:
            opened = open_model(policy, lambda secret: config.resolve_secret(secret, self._environ))
        except model.ConfigError as error:
            log.error("model not asked", error=str(error))
            return None
        return Asker(
            opened,
            policy,
            store=self._store,
            clock=self._clock,
            operator=lambda: self._live.settings.bot.operator,
            on_completion=self._observers.on_completion,
        )

    async def run(self) -> None:
        """Ask for ever, until cancelled."""
        while True:
            self._changed.clear()
            async with TaskGroup() as group:
                asking = group.create_task(self._asker.run()) if self._asker else None
                await self._changed.wait()
                if asking is not None:
                    asking.cancel()

    async def settle(self) -> Sequence[model.Decision]:
        """Ask what the last turn left undecided, at most for the operator's ``wait``, and decide it all.

        Raises StoreError.
        """
        made: list[model.Decision] = []
        left = self._policy.wait if self._policy else timedelta()
        loop = asyncio.get_running_loop()
        while self._asker is not None and self._deciding.is_waiting and left > timedelta():
            begun = loop.time()
            await self._asker.settle(left)
            made += await self._deciding.work_off(self._live.snapshot)
            left -= timedelta(seconds=loop.time() - begun)
        if self._deciding.is_waiting:
            made += await self._deciding.stop_waiting(self._live.snapshot)
        return made

    async def close(self) -> None:
        """Close connections."""
        if self._asker is not None:
            await self._asker.close()
