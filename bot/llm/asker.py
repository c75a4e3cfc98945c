"""Answer prompts with the language model: a few at once, within a daily budget, with pauses while the model fails.

    want → queue → budget? breaker? → ask, check → store (answer or failure, and its cost)

The model is called outside of transactions. Callers find an answer in the store, or learn that the prompt has failed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import storage
from bot.aio import TaskGroup
from bot.alerts import notices
from bot.llm import prompts
from bot.model.durations import Clock, format_duration
from bot.model.errors import (
    BadAnswer,
    ModelError,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    NotYetAnswered,
    StoreError,
)
from bot.model.language_models import (
    RECENT_CALLS,
    Completion,
    LanguageModel,
    LanguageModelPolicy,
    ModelAnswer,
    Outcome,
    Prompt,
    Spending,
    Use,
    switched_off,
)
from bot.model.messages import Notice
from bot.model.stories import Article, ArticleId
from bot.storage import keys

#: The number of consecutive failures that start a pause.
MAX_FAILURES = 5
#: The first pause. Each further failure doubles the pause, up to LONGEST_BREAK.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_BREAK = timedelta(minutes=30)


@dataclass(slots=True)
class Breaker:
    """A circuit breaker, which pauses calls while the model fails."""

    failures: int = 0
    #: The end of the pause, or None if there is no pause.
    until: datetime | None = None

    def allows(self, now: datetime) -> bool:
        """Return whether the model may be called; after a pause the next call shows whether it works again."""
        return self.until is None or now >= self.until

    def fail(self, now: datetime, *, for_good: bool, retry_after: timedelta | None = None) -> bool:
        """Count a failure and return whether it starts the first pause since a success.

        If ``for_good`` is true, start a pause at once.
        """
        if not self.allows(now):
            # The call began before the pause. Concurrent failures count as one failure.
            return False
        was_open = self.until is None
        self.failures = max(self.failures + 1, MAX_FAILURES if for_good else 0)
        if self.failures >= MAX_FAILURES:
            pause = min(FIRST_PAUSE * 2 ** min(self.failures - MAX_FAILURES, 10), LONGEST_BREAK)
            self.until = now + max(pause, retry_after or timedelta())
        return was_open and self.until is not None

    def succeed(self) -> bool:
        """Count a success and return whether it ends a pause."""
        was_paused = self.until is not None
        self.failures, self.until = 0, None
        return was_paused


log = structlog.get_logger("wirewatch")

#: Maximum attempts at one prompt.
_TRIES = 2
#: The pause between two attempts, unless the server asks for another.
_PAUSE = timedelta(seconds=1)
#: If the server asks for a longer pause than this, there is no further attempt.
_LONGEST_PAUSE = timedelta(seconds=10)
#: Maximum remembered failed prompts.
_MAX_REMEMBERED = 5_000
#: Calls before this are not judged.
_REMEMBERED = timedelta(days=30)
#: The articles of an owner get at most a quarter of a day's budget, so that one busy feed does not use it up.
_OWNER_SHARE = 4


class Asker:
    """The implementation of ``Advisor``. It calls the model only during ``run`` and ``settle``."""

    def __init__(
        self,
        language_model: LanguageModel,
        policy: LanguageModelPolicy,
        *,
        store: storage.Store,
        clock: Clock,
        operator: Callable[[], str | None],
        on_completion: Callable[[Completion], None] = lambda completion: None,
    ) -> None:
        """``operator`` returns the current channel for notices, or None if notices are only logged."""
        self.policy = policy
        self._model = language_model
        self._store = store
        self._clock = clock
        self._operator = operator
        self._on_completion = on_completion
        self._queue: asyncio.Queue[Prompt] = asyncio.Queue()
        self._waiting: set[str] = set()
        #: Key of a prompt under way -> owner of its article.
        self._under_way: dict[str, str] = {}
        #: Use for which the model is not asked -> reason.
        self._off: Mapping[Use, str] = {}
        self._failed: OrderedDict[str, None] = OrderedDict()
        self._breaker = Breaker()
        #: The end of the day whose budget is spent, or None.
        self._spent_until: datetime | None = None
        #: Owner and day of each notice about an owner's spent share of the budget.
        self._notified: set[tuple[str, datetime]] = set()

    def is_available(self, use: Use, now: datetime) -> bool:
        is_spent = self._spent_until is not None and now < self._spent_until
        return use not in self._off and not is_spent and self._breaker.allows(now)

    def has_failed(self, key: str) -> bool:
        return key in self._failed

    def drop(self, keys: Iterable[str]) -> None:
        self._waiting.difference_update(set(keys) - self._under_way.keys())

    def want(self, prompts: Iterable[Prompt]) -> None:
        for prompt in prompts:
            if prompt.key not in self._waiting and prompt.key not in self._failed:
                self._waiting.add(prompt.key)
                self._queue.put_nowait(prompt)

    async def run(self) -> None:
        """Answer queued prompts until cancelled."""
        async with TaskGroup() as group:
            for _ in range(self.policy.at_once):
                group.create_task(self._work())

    async def settle(self, within: timedelta) -> None:
        """Answer all queued prompts. Prompts that have no answer after the time ``within`` count as failed."""
        try:
            async with asyncio.timeout(within.total_seconds()), TaskGroup() as group:
                for _ in range(min(self.policy.at_once, self._queue.qsize())):
                    group.create_task(self._work(is_ending=True))
        except TimeoutError:
            for key in list(self._waiting):
                self._fail(key)
            self._queue = asyncio.Queue()

    async def close(self) -> None:
        await self._model.close()

    async def _work(self, *, is_ending: bool = False) -> None:
        while not (is_ending and self._queue.empty()):
            prompt = await self._queue.get()
            if prompt.key not in self._waiting:
                continue
            try:
                await self._answer(prompt)
            except StoreError as error:
                log.error("model not called: store unavailable", error=str(error))
                self._fail(prompt.key)

    async def _answer(self, prompt: Prompt) -> None:
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

    async def _may_ask(self, prompt: Prompt) -> bool:
        """Return whether the day's budget and the owner's share allow a call. If so, count the call as under way."""
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        article, spent, of_owner = await self._store.read(partial(_read_spent, article=prompt.article, since=midnight))
        await self._review(now)
        if not self.is_available(prompt.use, now):
            return False
        owner = article.owner if article else ""
        owners_under_way = [name for key, name in self._under_way.items() if key != prompt.key]
        calls_of_owner = of_owner.calls + owners_under_way.count(owner)
        for what, count, count_of_owner, limit in (
            ("calls", spent.calls, calls_of_owner, self.policy.calls_per_day),
            ("tokens", spent.tokens, of_owner.tokens, self.policy.tokens_per_day),
        ):
            if count >= limit:
                self._spent_until = midnight + timedelta(days=1)
                await self._notify(notices.model_budget_spent(self.policy.name, what, day=now.date()))
                return False
            if article is not None and count_of_owner >= max(1, limit // _OWNER_SHARE):
                if (owner, midnight) not in self._notified:
                    self._notified = {pair for pair in self._notified if pair[1] == midnight} | {(owner, midnight)}
                    await self._notify(notices.model_share_spent(self.policy.name, what, article, day=now.date()))
                return False
        if spent.calls + len(owners_under_way) >= self.policy.calls_per_day:
            return False
        self._under_way[prompt.key] = owner
        return True

    async def _review(self, now: datetime) -> None:
        """Switch off the uses for which the model cannot be trusted, and notify the operator of each."""

        def read(tx: storage.Transaction) -> Mapping[Use, str]:
            exam, model = keys.get_exam(tx), self.policy.name
            since = exam.at if exam is not None else now - _REMEMBERED
            return switched_off(self.policy, exam, tx.completions.records(model, since=since, most=RECENT_CALLS))

        before, self._off = self._off, await self._store.read(read)
        for use, reason in self._off.items():
            if use not in before:
                await self._notify(notices.model_use_is_off(self.policy.name, use, reason, now=now))

    async def _attempt(self, prompt: Prompt) -> timedelta | None:
        """Call the model once. Return None if no further attempt is needed, or the pause before the next attempt.

        After a permanent error, the pause is ``timedelta.max``.
        """
        started_at = self._clock.now()
        answered, error, outcome = ModelAnswer(text=""), None, Outcome.ANSWERED
        try:
            async with asyncio.timeout(self.policy.timeout.total_seconds()):
                answered = await self._model.ask(prompt)
            parsed: prompts.Answer = prompts.parse_answer(prompt, answered.text)
            named = parsed.named(prompt.beside.split()) if isinstance(parsed, prompts.SameEvent) else ()
            if prompt.control in named:
                outcome = Outcome.WRONG
            elif prompt.unlikely in named:
                outcome = Outcome.UNLIKELY
        except NotYetAnswered:
            self._fail(prompt.key)
            return None
        except ModelError as failure:
            error = failure
        except TimeoutError:
            error = ModelTimedOut(f"the model gave no answer within {format_duration(self.policy.timeout)}")
        except Exception:
            # The article is decided without the answer.
            log.critical("asking the model raised an unexpected error", use=prompt.use.value, exc_info=True)
            error = BadAnswer("an internal error; see the log of Wirewatch")
        if error is not None:
            outcome = Outcome.REFUSED if isinstance(error, BadAnswer) else Outcome.FAILED
        now = self._clock.now()
        completion = Completion(
            key=prompt.key,
            use=prompt.use,
            version=prompt.version,
            article=prompt.article,
            beside=prompt.beside,
            at=now,
            model=self.policy.name,
            outcome=outcome,
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
        # Try again only if the model is unavailable, because other errors are permanent. After a timeout, a second call
        # would end after the article is decided, and it would keep the server from other questions.
        may_retry = isinstance(error, ModelUnavailable) and not isinstance(error, ModelTimedOut)
        return error.after or _PAUSE if may_retry and isinstance(error, ModelUnavailable) else timedelta.max

    async def _count(self, error: ModelError | None, now: datetime) -> None:
        if error is None:
            if self._breaker.succeed():
                log.info("model answers again", model=self.policy.name)
                await self._notify(notices.model_is_back(self.policy.name, now=now))
            return
        log.warning("model gave no usable answer", model=self.policy.name, error=str(error))
        retry_after = error.after if isinstance(error, ModelUnavailable) else None
        if self._breaker.fail(now, for_good=isinstance(error, ModelRefused), retry_after=retry_after):
            notice = notices.model_is_failing(
                self.policy, str(error), is_slow=isinstance(error, ModelTimedOut), now=now
            )
            await self._notify(notice)

    async def _notify(self, notice: Notice) -> None:
        log.warning("model notice", text=notice.what)
        channel = self._operator()
        if channel:
            row = notices.notice_row(notice, channel=channel, now=self._clock.now())
            await self._store.write(lambda tx: tx.outbox.add([row]))

    def _fail(self, key: str) -> None:
        self._waiting.discard(key)
        self._failed[key] = None
        if len(self._failed) > _MAX_REMEMBERED:
            self._failed.popitem(last=False)


def _read_spent(
    tx: storage.Transaction, *, article: ArticleId, since: datetime
) -> tuple[Article | None, Spending, Spending]:
    """Return the article, and the costs since a time: of all calls, and of the calls about articles of its owner."""
    stored = tx.articles.get([article]).get(article)
    of_owner = tx.completions.spent(since=since, owner=stored.owner) if stored else Spending()
    return stored, tx.completions.spent(since=since), of_owner
