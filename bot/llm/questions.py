"""Answer questions with the language model: a few at once, within a daily budget, with pauses while the model fails.

    find (a turn) ─▶ open ─▶ asked (budget? breaker?) ─▶ answered: stored with its cost, read by a later turn
                      │        └─▶ given up: no usable answer
                      └─▶ given up: the article is decided without it

A question has one state, in one place. The model is called outside of transactions. A model is examined before
its first question, and again if the server reports another model.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import partial

import msgspec
import structlog

from bot import notices, storage
from bot.aio import TaskGroup
from bot.durations import Clock, format_duration
from bot.llm import exam, prompts, weight
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
    ExamResult,
    LanguageModel,
    LanguageModelPolicy,
    ModelAnswer,
    Outcome,
    Prompt,
    Spending,
    Use,
    UseRecord,
    find_exam,
    switched_off,
)
from bot.model.messages import Notice
from bot.model.stories import Article, ArticleId, StoryId
from bot.storage import keys

#: The number of consecutive failures that start a pause.
MAX_FAILURES = 5
#: The first pause. Each further failure doubles the pause, up to LONGEST_BREAK.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_BREAK = timedelta(minutes=30)


class Breaker(msgspec.Struct):
    """A circuit breaker, which pauses calls while the model fails."""

    failures: int = 0
    #: The end of the pause. None at first and after a success.
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
#: If the server asks for a longer pause than this, do not try again.
_LONGEST_PAUSE = timedelta(seconds=10)
#: Maximum remembered questions.
_MAX_REMEMBERED = 5_000
#: Maximum number of articles that wait for an answer. Further articles are decided without an answer.
MAX_WAITING = 50
#: How long to wait for the translation of a posted message.
_TRANSLATED_WITHIN = timedelta(minutes=10)
#: Interval at which the bot looks whether the model must be examined.
_CHECKS_EVERY = timedelta(minutes=1)
#: The weight of an answer file, which is not examined.
_WEIGHT_OF_FILE = 1.0
#: One pair in KNOWN_SHARE is one whose answer the words know.
KNOWN_SHARE = 20
#: Calls before this are not judged.
_REMEMBERED = timedelta(days=30)
#: The articles of an owner get at most a quarter of a day's budget, so that one busy feed does not use it up.
_OWNER_SHARE = 4


class State(Enum):
    """The state of a question."""

    OPEN = "open"
    #: The model is being called.
    ASKED = "asked"
    ANSWERED = "answered"
    #: The question has no answer, and nothing waits for one.
    GIVEN_UP = "given up"


class Question(msgspec.Struct):
    """A prompt, and what became of it."""

    prompt: Prompt
    state: State = State.OPEN
    #: The answer as the model wrote it, once it is read from the store.
    text: str | None = None
    #: The story whose message waits for this translation, and the end of the wait. None for other prompts.
    story: StoryId | None = None
    until: datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Whether an answer may still come."""
        return self.state in (State.OPEN, State.ASKED)


class Questions:
    """All questions to one language model. It is called only during ``run`` and ``settle``."""

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
        #: Whether to decide without the answers that are missing.
        self.is_over = False
        self._model = language_model
        self._store = store
        self._clock = clock
        self._operator = operator
        self._on_completion = on_completion
        #: Key of its prompt -> question, oldest first.
        self._questions: OrderedDict[str, Question] = OrderedDict()
        #: Article that waits for an answer -> the end of its wait.
        self._waiting: dict[ArticleId, datetime] = {}
        self._queue: asyncio.Queue[Question] = asyncio.Queue()
        #: Questions of the current turn, which ``send`` puts into the queue.
        self._new: list[Question] = []
        self._exam: ExamResult | None = None
        #: The current weight of the answers about pairs.
        self.weight = _WEIGHT_OF_FILE if self._is_file else 0.0
        #: Use for which the model is not asked -> reason.
        self._off: Mapping[Use, str] = {}
        #: The number of pairs asked about, and the number whose answer was known, by that answer.
        self._pair_count, self._known_count = 0, {True: 0, False: 0}
        self._breaker = Breaker()
        #: The end of the day whose budget is spent, or None.
        self._spent_until: datetime | None = None
        #: Owner and day of each notice about an owner's spent share of the budget.
        self._notified: set[tuple[str, datetime]] = set()
        #: Key of a prompt under way -> owner of its article.
        self._under_way: dict[str, str] = {}
        #: Held while the day's costs are read, and while a call that has ended becomes one of them.
        self._counting = asyncio.Lock()
        #: Whether to find out if the server serves the model that was examined.
        self._must_check = not self._is_file
        #: The end of ``settle`` by the clock of the event loop, or None if the bot runs as a service.
        self._ends_at: float | None = None
        #: Whether the operator knows that the weight was lowered.
        self._is_lowered = False

    @property
    def _is_file(self) -> bool:
        return self.policy.url.startswith("file:")

    # -- what a turn asks

    def is_available(self, use: Use, now: datetime) -> bool:
        """Return False if the model is not examined or unfit for the use, the budget is spent, or it fails."""
        is_spent = self._spent_until is not None and now < self._spent_until
        is_examined = self._is_file or self._exam is not None
        return is_examined and use not in self._off and not is_spent and self._breaker.allows(now)

    def find(self, tx: storage.Transaction, prompt: Prompt, now: datetime) -> Question:
        """Return the question with this prompt. If it is new, ask it after the turn."""
        question = self._questions.get(prompt.key)
        if question is None:
            question = Question(prompt)
            question.text = self._read_answer(tx, prompt)
            if question.text is None and not self.is_available(prompt.use, now):
                # Do not remember it, so that a later turn may ask it.
                question.state = State.GIVEN_UP
                return question
            if question.text is None:
                self._new.append(question)
            else:
                question.state = State.ANSWERED
            self._questions[prompt.key] = question
            while len(self._questions) > _MAX_REMEMBERED:
                self._questions.popitem(last=False)
        if question.state is State.ANSWERED and question.text is None:
            question.text = self._read_answer(tx, prompt)
        return question

    def _read_answer(self, tx: storage.Transaction, prompt: Prompt) -> str | None:
        return tx.completions.answers([prompt.key], by=self.policy.name).get(prompt.key)

    def may_wait(self, article: ArticleId, now: datetime) -> bool:
        """Return whether an article may wait for answers, and let it wait from now on. Call ``decide`` afterwards."""
        if self.is_over or (article not in self._waiting and len(self._waiting) >= MAX_WAITING):
            return False
        return now < self._waiting.setdefault(article, now + self.policy.wait)

    def has_waited(self, article: ArticleId) -> bool:
        """Return whether the article was looked at in an earlier turn."""
        return article in self._waiting

    def decided(self, article: ArticleId) -> None:
        """Give up the questions about an article that nobody has asked yet, because it is decided."""
        if self._waiting.pop(article, None) is None:
            return
        for question in self._questions.values():
            if question.prompt.article == article and question.state is State.OPEN and question.story is None:
                question.state = State.GIVEN_UP

    def forget(self, queued: Collection[ArticleId]) -> None:
        """Forget waiting articles that are no longer in the queue."""
        self._waiting = {article: until for article, until in self._waiting.items() if article in queued}

    def translate(self, tx: storage.Transaction, prompt: Prompt, story: StoryId, now: datetime) -> str | None:
        """Return the translation. If there is none yet, ask for it; ``take_translations`` returns it later."""
        question = self.find(tx, prompt, now)
        if question.is_pending and not self.is_over:
            question.story, question.until = story, now + _TRANSLATED_WITHIN
        return question.text

    def take_translations(self, now: datetime) -> Sequence[tuple[StoryId, str]]:
        """Return the stories whose translation has come since the last call, each with the key of its prompt."""
        ready = []
        for key, question in self._questions.items():
            if question.story is None or (question.is_pending and question.until and now < question.until):
                continue
            if question.state is State.ANSWERED:
                ready.append((question.story, key))
            question.story = None
        return ready

    def wants_known(self, *, is_same: bool) -> bool:
        """Return whether it is time for a pair whose answer the words know."""
        return (
            self.is_available(Use.SAME_EVENT, self._clock.now())
            and sum(self._known_count.values()) * KNOWN_SHARE < self._pair_count
            and self._known_count[is_same] <= self._known_count[not is_same] + 1
        )

    @property
    def waiting_count(self) -> int:
        """The number of articles that wait for an answer."""
        return len(self._waiting)

    @property
    def is_waiting(self) -> bool:
        """Whether articles or translations of messages wait for an answer."""
        return bool(self._waiting) or any(question.story is not None for question in self._questions.values())

    def end_waiting(self) -> None:
        """Stop waiting for translations."""
        for question in self._questions.values():
            question.story = None

    def send(self) -> None:
        """Put the questions of the turn into the queue. Call this in the event loop."""
        new, self._new = self._new, []
        for question in new:
            if question.prompt.use is Use.SAME_EVENT:
                self._pair_count += 1
            if question.prompt.known is not None:
                self._known_count[question.prompt.known] += 1
            self._queue.put_nowait(question)

    # -- the calls

    async def run(self) -> None:
        """Examine the model if need be, and answer questions until cancelled."""
        async with TaskGroup() as group:
            group.create_task(self._keep_checking())
            for _ in range(self.policy.at_once):
                group.create_task(self._work())

    async def settle(self, within: timedelta) -> None:
        """Answer all open questions. Give up the questions without an answer after the time ``within``."""
        self._ends_at = asyncio.get_running_loop().time() + within.total_seconds()
        async with TaskGroup() as group:
            for _ in range(min(self.policy.at_once, self._queue.qsize())):
                group.create_task(self._work())
        self._ends_at = None
        for question in self._questions.values():
            if question.is_pending:
                question.state = State.GIVEN_UP
        self._queue = asyncio.Queue()

    async def prepare(self) -> None:
        """Examine the model if need be, before a single pass. Raises StoreError."""
        self._must_check = not self._is_file
        await self._check_model()

    async def close(self) -> None:
        await self._model.close()

    async def _work(self) -> None:
        """Answer questions: while ``settle`` runs until there are no more or its time is over, else until cancelled."""
        while self._ends_at is None or (not self._queue.empty() and self._remaining() > timedelta()):
            question = await self._queue.get()
            if question.state is not State.OPEN:
                continue
            question.state = State.ASKED
            try:
                await self._answer(question)
            except StoreError as error:
                log.error("model not called: store unavailable", error=str(error))
            finally:
                if question.state is State.ASKED:
                    question.state = State.GIVEN_UP

    def _remaining(self) -> timedelta:
        """Return the longest time that a call may take."""
        if self._ends_at is None:
            return self.policy.timeout
        return min(self.policy.timeout, timedelta(seconds=self._ends_at - asyncio.get_running_loop().time()))

    async def _keep_checking(self) -> None:
        while True:
            try:
                await self._check_model()
            except StoreError as error:
                log.error("model not examined: store unavailable", error=str(error))
            await self._clock.sleep(_CHECKS_EVERY)

    async def _check_model(self) -> None:
        """Examine the model if its last exam is about another one. Raises StoreError."""
        now = self._clock.now()
        if not self._must_check or not self._breaker.allows(now):
            return

        def read_exam(tx: storage.Transaction) -> tuple[ExamResult | None, Sequence[UseRecord]]:
            records = tx.completions.records(self.policy.name, since=now - _REMEMBERED, most=MAX_FAILURES)
            return find_exam(self.policy, keys.EXAM.get(tx)), list(records.values())

        stored, records = await self._store.read(read_exam)
        if records and all(record.outcomes.get(Outcome.FAILED) == record.calls for record in records):
            # A process that ends after each pass would else never count enough failures.
            self._breaker.failures = max(self._breaker.failures, sum(record.calls for record in records))
        served = await self._find_served()
        if stored is None or (served and stored.served != served):
            self._exam = None
            log.info("examining the model", model=self.policy.name)
            try:
                stored = (await exam.examine(self._model, self.policy, served=served, now=now)).result
            except ModelError as error:
                await self._count(error, self._clock.now(), for_good=True)
                return
            result = stored
            await self._store.write(lambda tx: keys.EXAM.put(tx, result))
            await self._count(None, self._clock.now())
        self._exam, self._must_check, self._is_lowered = stored, False, False
        await self._review(self._clock.now())

    async def _find_served(self) -> str:
        try:
            async with asyncio.timeout(self.policy.timeout.total_seconds()):
                return await self._model.find_served()
        except TimeoutError:
            return ""

    async def _answer(self, question: Question) -> None:
        prompt = question.prompt
        try:
            for at_try in range(1, _TRIES + 1):
                if not await self._may_ask(prompt):
                    return
                pause = await self._attempt(question)
                if pause is None or at_try == _TRIES or pause > _LONGEST_PAUSE:
                    return
                await self._clock.sleep(pause)
        finally:
            self._under_way.pop(prompt.key, None)

    async def _may_ask(self, prompt: Prompt) -> bool:
        """Return whether the day's budget and the owner's share allow a call. If so, count the call as under way."""
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        await self._review(now)
        async with self._counting:
            return await self._claim_call(prompt, now, midnight)

    async def _claim_call(self, prompt: Prompt, now: datetime, midnight: datetime) -> bool:
        article, spent, of_owner = await self._store.read(partial(_read_spent, article=prompt.article, since=midnight))
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
        since = self._exam.at if self._exam is not None else now - _REMEMBERED

        def read_weight(tx: storage.Transaction) -> tuple[float, Mapping[Use, str]]:
            weight_now = self.weight
            if self._exam is not None:
                known_pairs = tx.completions.known_pairs(self.policy.name, since=since)
                weight_now = weight.fit_weight(self._exam.pairs, known_pairs)
            records = tx.completions.records(self.policy.name, since=since, most=RECENT_CALLS)
            return weight_now, switched_off(self.policy, self._exam, records, weight=weight_now)

        weight_now, off = await self._store.read(read_weight)
        off_before, self._off, self.weight = self._off, off, weight_now
        for use, reason in off.items():
            if use not in off_before:
                await self._notify(notices.model_use_is_off(self.policy.name, use, reason, since=since))
        earned = self._exam.weight if self._exam is not None else weight_now
        if Use.SAME_EVENT not in off and weight_now < earned / 2 and not self._is_lowered:
            self._is_lowered = True
            await self._notify(notices.model_weighs_less(self.policy.name, earned, weight_now, since=since))

    async def _attempt(self, question: Question) -> timedelta | None:
        """Call the model once. Return None if no further attempt is needed, or the pause before the next attempt.

        After a permanent error, the pause is ``timedelta.max``.
        """
        prompt, started_at = question.prompt, self._clock.now()
        answered, error, outcome = ModelAnswer(text=""), None, Outcome.ANSWERED
        try:
            async with asyncio.timeout(self._remaining().total_seconds()):
                answered = await self._model.ask(prompt)
            prompts.parse_answer(prompt, answered.text)
        except NotYetAnswered:
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
            known=prompt.known,
            error=str(error) if error else "",
            tokens_in=max(answered.tokens_in, error.tokens_in if error else 0),
            tokens_out=max(answered.tokens_out, error.tokens_out if error else 0),
            took=now - started_at,
        )
        async with self._counting:
            await self._store.write(lambda tx: tx.completions.add(completion))
            self._under_way.pop(prompt.key, None)
        self._on_completion(completion)
        await self._count(error, now)
        if error is None:
            question.state = State.ANSWERED
            return None
        # Try again only if the model is unavailable, because other errors are permanent. After a timeout, a second call
        # would end after the article is decided, and it would keep the server from other questions.
        may_retry = isinstance(error, ModelUnavailable) and not isinstance(error, ModelTimedOut)
        return error.retry_after or _PAUSE if may_retry and isinstance(error, ModelUnavailable) else timedelta.max

    async def _count(self, error: ModelError | None, now: datetime, *, for_good: bool = False) -> None:
        if error is None:
            if self._breaker.succeed():
                log.info("model answers again", model=self.policy.name)
                await self._notify(notices.model_is_back(self.policy.name, now=now))
            return
        self._must_check = not self._is_file
        log.warning("model gave no usable answer", model=self.policy.name, error=str(error))
        retry_after = error.retry_after if isinstance(error, ModelUnavailable) else None
        is_permanent = for_good or isinstance(error, ModelRefused)
        if self._breaker.fail(now, for_good=is_permanent, retry_after=retry_after):
            notice = notices.model_is_failing(
                self.policy, str(error), is_slow=isinstance(error, ModelTimedOut), now=now
            )
            await self._notify(notice)

    async def _notify(self, notice: Notice) -> None:
        log.warning("model notice", text=notice.lead)
        channel = self._operator()
        if channel:
            row = notices.notice_row(notice, channel=channel, now=self._clock.now())
            await self._store.write(lambda tx: tx.outbox.add([row]))


def _read_spent(
    tx: storage.Transaction, *, article: ArticleId, since: datetime
) -> tuple[Article | None, Spending, Spending]:
    """Return the article, and the costs since a time: of all calls, and of the calls about articles of its owner."""
    stored = tx.articles.get([article]).get(article)
    of_owner = tx.completions.spent(since=since, owner=stored.owner) if stored else Spending()
    return stored, tx.completions.spent(since=since), of_owner
