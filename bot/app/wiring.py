"""Derive what a reload replaces from the settings: the live configuration, channels and presses, a language model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bot import config, notices, storage
from bot.aio import TaskGroup, retry_until_stored
from bot.app.environment import Environment, channel_of
from bot.durations import Clock
from bot.model.alerts import Decision
from bot.model.channels import ActionResult, Channel, ChatMessage, ChatRequest, Listener, Press
from bot.model.errors import ConfigError, StoreError
from bot.model.fetching import Fetcher, Request, Response
from bot.model.language_models import Completion, LanguageModelPolicy
from bot.model.messages import Notice, Outgoing
from bot.model.settings import FetchPolicy
from bot.pipeline import actions
from bot.pipeline.decide import Decider
from bot.pipeline.reports import FeedReport, Observer
from bot.storage import keys

if TYPE_CHECKING:
    from bot.fetch.client import HttpFetcher
    from bot.llm.questions import Questions

log = structlog.get_logger("wirewatch")

#: The operator is notified after this long without a connection for button presses.
NOTIFY_AFTER = timedelta(minutes=1)
_BUG = "This could not be done because of a bug in Wirewatch. Its log has the error. Please try again."


class Live(msgspec.Struct, kw_only=True):
    """The current configuration. A reload replaces its fields; running work finishes with the values it has read."""

    settings: config.Settings
    channels: Mapping[str, Channel]
    #: Time of the last load or reload.
    loaded_at: datetime
    #: Set when a reload replaces ``channels``; a new event then takes its place.
    channels_changed: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def replace(self, settings: config.Settings, channels: Mapping[str, Channel], *, now: datetime) -> None:
        """Replace the configuration."""
        self.settings, self.loaded_at = settings, now
        if self.channels != channels:
            self.channels = channels
            self.channels_changed.set()
            self.channels_changed = asyncio.Event()

    @property
    def keep(self) -> timedelta | None:
        """How long articles are kept, at least as long as stories stay open. None means for ever."""
        bot = self.settings.bot
        return None if bot.keep is None else max(bot.keep, bot.stories.window)


class Observers(Observer):
    """Forwards each event to all observers."""

    def __init__(self, on_feed: Callable[[FeedReport], None] = lambda report: None) -> None:
        self.all: list[Observer] = []
        self._on_feed = on_feed

    def on_feed(self, report: FeedReport) -> None:
        self._on_feed(report)
        for observer in self.all:
            observer.on_feed(report)

    def on_decided(self, decision: Decision) -> None:
        for observer in self.all:
            observer.on_decided(decision)

    def on_outcome(self, row: Outgoing) -> None:
        for observer in self.all:
            observer.on_outcome(row)

    def on_completion(self, completion: Completion) -> None:
        for observer in self.all:
            observer.on_completion(completion)


class FetcherAtFirstUse:
    """Implements Fetcher with a client that is made when it is first used.

    So a pass without due feeds does not import httpx and aiohttp.
    """

    def __init__(self, policy: FetchPolicy, environment: Environment) -> None:
        self._policy = policy
        self._environment = environment

    @cached_property
    def _fetcher(self) -> HttpFetcher:
        from bot.fetch.client import HttpFetcher  # takes a tenth of a second

        environ = self._environment.environ
        return HttpFetcher(
            self._policy, self._environment.clock, secret_of=lambda secret: config.resolve_secret(secret, environ)
        )

    def get(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Call the client's ``get``."""
        return self._fetcher.get(request)

    async def close(self) -> None:
        """Close the client's connections if the client was made."""
        if "_fetcher" in vars(self):
            await self._fetcher.close()


def fetcher_of(policy: FetchPolicy, environment: Environment) -> Fetcher:
    """Return the fetcher of ``environment``, or an HTTP client that is made when it is first used."""
    return environment.fetcher or FetcherAtFirstUse(policy, environment)


def channels_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.Store,
    *,
    replaced: Mapping[str, Channel] | None = None,
) -> Mapping[str, Channel]:
    """Return the channels of bot.yaml. Build each one, unless ``replaced`` has a channel of the same name."""
    names, replaced = settings.bot.channels, replaced or {}
    return {name: replaced.get(name) or channel_of(settings, name, environment, store) for name in names}


@dataclass(slots=True)
class Interactions:
    """Runs the listeners of all channels, carries out button presses, and passes on questions."""

    store: storage.Store
    clock: Clock
    live: Live
    on_decided: Callable[[Sequence[Decision]], None]
    #: Answers a question that a chat app received; gets the question and the channels of that app.
    on_question: Callable[[ChatRequest, Sequence[str]], Awaitable[Sequence[ChatMessage]]]
    #: Channels of a disconnected listener -> time of its first failure.
    _failing_since: dict[tuple[str, ...], datetime] = field(default_factory=dict, init=False)

    async def run(self, listeners: Callable[[], Sequence[Listener]]) -> None:
        """Run the listeners that every process may run, until cancelled. Start them again when the channels change."""
        while True:
            changed = self.live.channels_changed
            async with TaskGroup() as group:
                tasks = [group.create_task(self._listen(listener)) for listener in listeners() if not listener.is_alone]
                await changed.wait()
                for task in tasks:
                    task.cancel()

    async def run_alone(self, listeners: Sequence[Listener]) -> None:
        """Run the listeners that only one process may run, until cancelled."""
        async with TaskGroup() as group:
            for listener in listeners:
                if listener.is_alone:
                    group.create_task(self._listen(listener))

    async def _listen(self, listener: Listener) -> None:
        channels = tuple(listener.channels)
        self._failing_since.pop(channels, None)
        await retry_until_stored(
            lambda: listener.listen(
                lambda press: self.take(press, channels),
                lambda reason: self._note_connection(channels, reason),
                lambda question: self.ask(question, channels),
            ),
            self.clock,
        )

    async def take(self, press: Press, channels: Sequence[str]) -> ActionResult:
        """Carry out a button press on a message in one of ``channels``. Raises StoreError."""
        settings, now = self.live.settings, self.clock.now()

        act = partial(actions.apply_press, pressed=press, channels=channels)
        try:
            result = await actions.carry_out(self.store, settings, act, now=now)
        except StoreError:
            raise
        except Exception:
            log.critical("a button press raised an unexpected error", press=press.id, exc_info=True)
            return ActionResult(text=_BUG, refused="unexpected error")
        fields = {"action": type(press.action).__name__, "story": press.story, "by": press.person.id}
        if result.refused:
            log.warning("button press refused", **fields, reason=result.refused)
        else:
            log.info("button press stored", **fields, is_new=bool(result.decisions))
        self.on_decided(result.decisions)
        return result

    async def ask(self, question: ChatRequest, channels: Sequence[str]) -> Sequence[ChatMessage]:
        """Answer a question or a command in a chat."""

        try:
            return await self.on_question(question, channels)
        except StoreError:
            raise
        except Exception:
            log.critical("a command in a chat raised an unexpected error", command=question.id, exc_info=True)
            return [ChatMessage(message=Notice(lead=_BUG))]

    async def _note_connection(self, channels: tuple[str, ...], reason: str | None) -> None:
        """Log and report a listener's connection. ``reason`` is why the connection failed, or None if it works."""
        now = self.clock.now()
        if reason is None:
            self._failing_since.pop(channels, None)
            log.info("buttons connected", channels=list(channels))
        else:
            log.error("buttons not connected", channels=list(channels), reason=reason)
            if now - self._failing_since.setdefault(channels, now) < NOTIFY_AFTER:
                return

        def notify(tx: storage.Transaction) -> None:
            stored = [keys.buttons_trouble(channel).get(tx) for channel in channels]
            if any(stored) == bool(reason):
                return
            for channel in channels:
                keys.buttons_trouble(channel).put(tx, reason or "")
            operator = self.live.settings.bot.operator
            if operator:
                if reason:
                    notice = notices.buttons_are_silent(channels, reason, now=now)
                else:
                    notice = notices.buttons_work_again(channels, next(filter(None, stored)), now=now)
                tx.outbox.add([notices.notice_row(notice, channel=operator, now=now)])

        await retry_until_stored(lambda: self.store.write(notify), self.clock)


class Assisting:
    """Asks the configured language model. A reload with a changed ``model`` key replaces the questions."""

    def __init__(
        self, store: storage.Store, environment: Environment, *, live: Live, decider: Decider, observers: Observers
    ) -> None:
        self._store = store
        self._environment = environment
        self._live = live
        self._decider = decider
        self._observers = observers
        self._policy: LanguageModelPolicy | None = None
        self._questions: Questions | None = None
        self._changed = asyncio.Event()

    async def renew(self) -> None:
        """Replace the questions if the configured model changed. If the new model cannot be opened, log the error."""
        policy = self._live.settings.bot.model
        if policy == self._policy:
            return
        self._policy, previous = policy, self._questions
        self._questions = self._open(policy) if policy else None
        self._decider.questions = self._questions
        self._changed.set()
        if previous is not None:
            await previous.close()

    def _open(self, policy: LanguageModelPolicy) -> Questions | None:
        # Import here, because only a configuration with a model needs the prompts and the SDK.
        from bot.llm.endpoint import open_model
        from bot.llm.questions import Questions

        try:
            endpoint = open_model(policy, lambda secret: config.resolve_secret(secret, self._environment.environ))
        except ConfigError as error:
            log.error("language model not opened", error=str(error))
            return None
        return Questions(
            endpoint,
            policy,
            store=self._store,
            clock=self._environment.clock,
            operator=lambda: self._live.settings.bot.operator,
            on_completion=self._observers.on_completion,
        )

    async def run(self) -> None:
        """Ask the current model until cancelled."""
        while True:
            self._changed.clear()
            async with TaskGroup() as group:
                asking = group.create_task(self._questions.run()) if self._questions else None
                await self._changed.wait()
                if asking is not None:
                    asking.cancel()

    async def prepare(self) -> None:
        """Examine the model before a single pass, if need be. Raises StoreError."""
        if self._questions is not None:
            await self._questions.prepare()

    async def settle(self) -> Sequence[Decision]:
        """Ask the model about undecided articles for at most the configured ``wait``. Then decide all, even unanswered.

        Raises StoreError.
        """
        decisions: list[Decision] = []
        remaining = self._policy.wait if self._policy else timedelta()
        loop = asyncio.get_running_loop()
        while self._questions is not None and self._decider.is_waiting and remaining > timedelta():
            started = loop.time()
            await self._questions.settle(remaining)
            decisions += await self._decider.work_off(self._live.settings)
            remaining -= timedelta(seconds=loop.time() - started)
        if self._decider.is_waiting:
            decisions += await self._decider.stop_waiting(self._live.settings)
        return decisions

    async def close(self) -> None:
        """Close the connections to the model."""
        if self._questions is not None:
            await self._questions.close()
