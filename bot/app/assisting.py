"""The language model of the current configuration. Its library is imported only if bot.yaml names a model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot import config, storage
from bot.aio import TaskGroup
from bot.app.environment import Environment
from bot.app.wiring import Live, Observers
from bot.model.alerts import Decision
from bot.model.errors import ConfigError
from bot.model.language_models import LanguageModelPolicy, describe_exam
from bot.pipeline.decide import Decider
from bot.storage import keys

if TYPE_CHECKING:
    from bot.llm import Asker

log = structlog.get_logger("wirewatch")


class Assisting:
    """Runs the asker of the configured language model. A reload with a changed ``model`` key replaces the asker."""

    def __init__(
        self, store: storage.Store, environment: Environment, *, live: Live, decider: Decider, observers: Observers
    ) -> None:
        self._store = store
        self._environment = environment
        self._live = live
        self._decider = decider
        self._observers = observers
        self._policy: LanguageModelPolicy | None = None
        self._asker: Asker | None = None
        self._changed = asyncio.Event()

    async def renew(self) -> None:
        """Replace the asker if the configured model changed. If the new model cannot be opened, log the error."""
        policy = self._live.settings.bot.model
        if policy == self._policy:
            return
        self._policy, previous = policy, self._asker
        self._asker = self._open(policy) if policy else None
        self._decider.advise(self._asker)
        if policy is not None:
            warning = describe_exam(policy, await self._store.read(keys.get_exam))
            if warning:
                log.warning("model not passed", reason=warning)
        self._changed.set()
        if previous is not None:
            await previous.close()

    def _open(self, policy: LanguageModelPolicy) -> Asker | None:
        # Import here, because only a configuration with a model needs the prompts and the SDK.
        from bot.llm import Asker, open_model

        try:
            endpoint = open_model(policy, lambda secret: config.resolve_secret(secret, self._environment.environ))
        except ConfigError as error:
            log.error("language model not opened", error=str(error))
            return None
        return Asker(
            endpoint,
            policy,
            store=self._store,
            clock=self._environment.clock,
            operator=lambda: self._live.settings.bot.operator,
            on_completion=self._observers.on_completion,
        )

    async def run(self) -> None:
        """Run the asker of the current model until cancelled."""
        while True:
            self._changed.clear()
            async with TaskGroup() as group:
                asking = group.create_task(self._asker.run()) if self._asker else None
                await self._changed.wait()
                if asking is not None:
                    asking.cancel()

    async def settle(self) -> Sequence[Decision]:
        """Ask the model about undecided articles for at most the configured ``wait``. Then decide all, even unanswered.

        Raises StoreError.
        """
        decisions: list[Decision] = []
        remaining = self._policy.wait if self._policy else timedelta()
        loop = asyncio.get_running_loop()
        while self._asker is not None and self._decider.is_waiting and remaining > timedelta():
            started = loop.time()
            await self._asker.settle(remaining)
            decisions += await self._decider.work_off(self._live.settings)
            remaining -= timedelta(seconds=loop.time() - started)
        if self._decider.is_waiting:
            decisions += await self._decider.stop_waiting(self._live.settings)
        return decisions

    async def close(self) -> None:
        """Close the connections to the model."""
        if self._asker is not None:
            await self._asker.close()
