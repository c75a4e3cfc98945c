"""Has prompts answered: a few at once, within a day's budget, and with pauses where the model fails.

    want → queue → budget? breaker? → ask, check → store (answer or failure, and its cost)

Never inside a transaction. Whoever wanted an answer finds it in the store, or learns that the prompt has failed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import model, ports
from bot.alerts import notices
from bot.llm import prompts
from bot.llm.breaker import Breaker
from bot.ports.tasks import TaskGroup

log = structlog.get_logger("wirewatch")

#: Attempts at one prompt.
_TRIES = 2
#: The pause between two attempts, and the longest pause that a server may ask for instead.
_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(seconds=10)
#: Maximum remembered failed prompts.
_FAILED = 5_000
#: The articles of an owner get at most a quarter of a day's budget, so that one busy feed does not use it up.
_OWNERS_PART = 4
_BUG = "an internal error; the log of Wirewatch has it"


class Asker:
    """Implements ``ports.Advisor``. It calls the model only during ``run`` and ``settle``."""

    def __init__(
        self,
        language_model: ports.LanguageModel,
        policy: model.LanguageModelPolicy,
        *,
        store: ports.Store,
        clock: ports.Clock,
        operator: Callable[[], str | None],
        on_completion: Callable[[model.Completion], None] = lambda completion: None,
    ) -> None:
        """``operator`` returns the current channel for notices, or None for the log only."""
        self.policy = policy
        self._model = language_model
        self._store = store
        self._clock = clock
        self._operator = operator
        self._on_completion = on_completion
        self._queue: asyncio.Queue[model.Prompt] = asyncio.Queue()
        self._waiting: set[str] = set()
        #: The owners of the articles in the prompts under way, by prompt key.
        self._under_way: dict[str, str] = {}
        self._failed: OrderedDict[str, None] = OrderedDict()
        self._breaker = Breaker()
        #: Until when the day's budget is spent.
        self._spent_until: datetime | None = None
        #: Owner and day of each notice about an owner's spent share of the budget.
        self._notified: set[tuple[str, datetime]] = set()

    def is_available(self, now: datetime) -> bool:
        is_spent = self._spent_until is not None and now < self._spent_until
        return not is_spent and self._breaker.allows(now)

    def has_failed(self, key: str) -> bool:
        return key in self._failed

    def want(self, prompts: Iterable[model.Prompt]) -> None:
        for prompt in prompts:
            if prompt.key not in self._waiting and prompt.key not in self._failed:
                self._waiting.add(prompt.key)
                self._queue.put_nowait(prompt)

    async def run(self) -> None:
        """Answer wanted prompts until cancelled."""
        async with TaskGroup() as group:
            for _ in range(self.policy.at_once):
                group.create_task(self._work())

    async def settle(self, within: timedelta) -> None:
        """Answer all prompts wanted now; those without an answer after this time have failed."""
        try:
            async with asyncio.timeout(within.total_seconds()), TaskGroup() as group:
                for _ in range(min(self.policy.at_once, self._queue.qsize())):
                    group.create_task(self._work(is_ending=True))
        except TimeoutError:
            for key in list(self._waiting):
                self._fail(key)
            self._queue = asyncio.Queue()

    async def close(self) -> None:
        """Close the model's connections."""
        await self._model.close()

    async def _work(self, *, is_ending: bool = False) -> None:
        while not (is_ending and self._queue.empty()):
            prompt = await self._queue.get()
            try:
                await self._answer(prompt)
            except ports.StoreError as error:
                log.error("store unavailable; the model is not asked", error=str(error))
                self._fail(prompt.key)

    async def _answer(self, prompt: model.Prompt) -> None:
        try:
            for at_try in range(1, _TRIES + 1):
                if not await self._may_ask(prompt):
                    break
                pause = await self._attempt(prompt)
                if pause is None:
                    return
                if at_try == _TRIES or pause > _LONGEST_PAUSE:
                    break
                await self._clock.sleep(pause)
        finally:
            self._under_way.pop(prompt.key, None)
        self._fail(prompt.key)

    async def _may_ask(self, prompt: model.Prompt) -> bool:
        """Return whether the day's budget and the owner's share allow a call, and count it as under way."""
        now = self._clock.now()
        if not self.is_available(now):
            return False
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        article, spent, of_owner = await self._store.read(partial(_read_spent, article=prompt.article, since=midnight))
        owner = article.owner if article else ""
        owners_under_way = [name for key, name in self._under_way.items() if key != prompt.key]
        for what, count, limit in (
            ("calls", spent.calls, self.policy.calls_per_day),
            ("tokens", spent.tokens, self.policy.tokens_per_day),
        ):
            if count >= limit:
                self._spent_until = midnight + timedelta(days=1)
                await self._notify(notices.model_budget_spent(self.policy.name, what, day=now.date()))
                return False
        for what, count, limit in (
            ("calls", of_owner.calls + owners_under_way.count(owner), self.policy.calls_per_day),
            ("tokens", of_owner.tokens, self.policy.tokens_per_day),
        ):
            if article is not None and count >= max(1, limit // _OWNERS_PART):
                if (owner, midnight) not in self._notified:
                    self._notified = {pair for pair in self._notified if pair[1] == midnight} | {(owner, midnight)}
                    await self._notify(notices.model_share_spent(self.policy.name, what, article, day=now.date()))
                return False
        if spent.calls + len(owners_under_way) >= self.policy.calls_per_day:
            return False
        self._under_way[prompt.key] = owner
        return True

    async def _attempt(self, prompt: model.Prompt) -> timedelta | None:
        """Call the model once. Returns the pause before the next attempt, or None if no attempt is needed."""
        started_at = self._clock.now()
        answered, error = ports.Answered(text=""), None
        try:
            async with asyncio.timeout(self.policy.timeout.total_seconds()):
                answered = await self._model.ask(prompt)
            prompts.read(prompt, answered.text)
        except ports.NotYetAnswered:
            self._fail(prompt.key)
            return None
        except ports.ModelError as failure:
            error = failure
        except TimeoutError:
            error = ports.ModelUnavailable(
                f"the model gave no answer within {model.show_duration(self.policy.timeout)}"
            )
        except Exception:
            log.critical("asking the model broke", use=prompt.use.value, exc_info=True)
            error = ports.BadAnswer(_BUG)
        now = self._clock.now()
        completion = model.Completion(
            key=prompt.key,
            use=prompt.use,
            version=prompt.version,
            article=prompt.article,
            beside=prompt.beside,
            at=now,
            model=self.policy.name,
            answer=None if error else answered.text,
            error=str(error) if error else "",
            tokens_in=max(answered.tokens_in, error.tokens_in if error else 0),
            tokens_out=max(answered.tokens_out, error.tokens_out if error else 0),
            took=now - started_at,
        )
        await self._store.write(lambda tx: tx.completions.add(completion))
        self._on_completion(completion)
        await self._count(error, now)
        if error is None:
            self._waiting.discard(prompt.key)
            return None
        # Only unavailability is temporary.
        return error.after or _PAUSE if isinstance(error, ports.ModelUnavailable) else timedelta.max

    async def _count(self, error: ports.ModelError | None, now: datetime) -> None:
        if error is None:
            if self._breaker.succeed():
                log.info("model answers again", model=self.policy.name)
                await self._notify(notices.model_is_back(self.policy.name, now=now))
            return
        log.warning("model gave no usable answer", model=self.policy.name, error=str(error))
        retry_after = error.after if isinstance(error, ports.ModelUnavailable) else None
        if self._breaker.fail(now, for_good=isinstance(error, ports.ModelRefused), retry_after=retry_after):
            await self._notify(notices.model_is_failing(self.policy.name, str(error), now=now))

    async def _notify(self, notice: model.Notice) -> None:
        log.warning("model notice", text=notice.what)
        channel = self._operator()
        if channel:
            row = notices.row(notice, channel=channel, now=self._clock.now())
            await self._store.write(partial(_add, row=row))

    def _fail(self, key: str) -> None:
        self._waiting.discard(key)
        self._failed[key] = None
        while len(self._failed) > _FAILED:
            self._failed.popitem(last=False)


def _read_spent(
    tx: ports.Transaction, *, article: model.ArticleId, since: datetime
) -> tuple[model.Article | None, model.Spent, model.Spent]:
    """Return the article, the cost of all calls, and the cost of the calls about articles of its owner."""
    stored = tx.articles.get([article]).get(article)
    of_owner = tx.completions.spent(since=since, owner=stored.owner) if stored else model.Spent()
    return stored, tx.completions.spent(since=since), of_owner


def _add(tx: ports.Transaction, row: model.Outgoing) -> None:
    tx.outbox.add([row])
