"""The base of every channel: options, context, default methods, and a thread for calls that block."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol, TypeAlias, TypeVar

import msgspec
import pydantic

from bot.durations import Clock, format_duration, parse_duration
from bot.model.access import Secret
from bot.model.channels import ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed, ConfigError, NotEditable, OutcomeUnknown, SendError, ThreadGone
from bot.patterns import LazyPattern

if TYPE_CHECKING:
    from bot.model.messages import Receipt

#: A duration as people write it, such as ``1 second``.
Duration = Annotated[
    timedelta,
    pydantic.BeforeValidator(parse_duration),
    pydantic.PlainSerializer(format_duration),
    pydantic.WithJsonSchema({"type": "string", "examples": ["1 second"]}),
]


#: The pace of most kinds of channel.
Pace = Annotated[Duration, pydantic.Field(description="Minimum time between two messages.")]


def _check_pace(pace: timedelta, info: pydantic.ValidationInfo) -> timedelta:
    if pace < timedelta(seconds=1) and info.data.get("api_url") is None:
        raise ValueError("the service accepts about one message a second: set pace to at least 1 second")
    return pace


#: The pace for a service that accepts one message a second. Less is valid only with ``api_url``, which the options must
#: define before the pace.
ServicePace = Annotated[
    Duration,
    pydantic.AfterValidator(_check_pace),
    pydantic.Field(description="Minimum time between two messages; less than 1 second only with api_url."),
]


#: The key ``picture`` of channels that can show pictures.
Picture = Annotated[
    bool,
    pydantic.Field(
        description="true: the message of a story shows the article's own picture, small. Only its address is sent; "
        "the service or the reader's program loads it from the outlet."
    ),
]


def _check_address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("expected an address that begins with https:// or http://")
    return url.rstrip("/")


#: The address of a server, without a slash at its end.
Address = Annotated[str, pydantic.AfterValidator(_check_address)]


def check_mode(to: str | None, token: Secret | None, webhook: Secret | None) -> None:
    """Raise ValueError unless the options name either a bot and its channel, or a webhook."""
    if webhook is not None:
        if to is not None or token is not None:
            raise ValueError("a webhook has a fixed channel and needs no token: remove to and token")
    elif to is None or token is None:
        raise ValueError("add to and token (a bot), or webhook (reduced mode)")


class ChannelOptions(pydantic.BaseModel):
    """The keys of a channel in bot.yaml; each kind adds its own."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)
    OTHER_WORDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("channel", "chat", "chat_id", "recipients", "recipient", "room"), "to"),
        **dict.fromkeys(("url", "webhook_url", "hook", "address"), "webhook"),
        **dict.fromkeys(("bot_token", "api_key", "access_token"), "token"),
        **dict.fromkeys(("from", "from_address"), "sender"),
        **dict.fromkeys(("smtp", "smtp_server", "host"), "server"),
        **dict.fromkeys(("user", "login"), "username"),
    }

    @property
    def features(self) -> ChannelFeatures:
        """The features that these options turn on."""
        return ChannelFeatures()


#: The value of the option ``people`` (name -> id) or ``may_act`` (ids).
PeopleOrIds: TypeAlias = dict[str, str] | tuple[str, ...]

#: Accepts a single text as a list of one.
as_list = pydantic.BeforeValidator(lambda written: (written,) if isinstance(written, str) else written)


def check_ids(form: LazyPattern[str], advice: str) -> pydantic.AfterValidator:
    """Return a validator that checks the form of each id. ``advice`` says what to write instead."""

    def check(people: PeopleOrIds) -> PeopleOrIds:
        for person in people.values() if isinstance(people, dict) else people:
            if not form.fullmatch(person):
                raise ValueError(f'"{person[:40]}" is not an id of this service: {advice}')
        return people

    return pydantic.AfterValidator(check)


class KeyValues(Protocol):
    """Small values that a channel keeps between runs, such as its id on the service."""

    async def get(self, key: str) -> str | None:
        """Return the value, or None if the key has none."""

    async def put(self, key: str, value: str) -> None:
        """Store the value and replace any earlier value."""


class ChannelContext(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets, clock, stored values and time zone that a channel uses."""

    #: Returns a secret's value; raises ConfigError if its variable or file is missing.
    resolve: Callable[[Secret], str]
    clock: Clock
    key_values: KeyValues
    #: The time zone of times in messages: `timezone` in bot.yaml.
    zone: tzinfo = UTC

    def secret(self, secret: Secret, *, what: str, may_have_spaces: bool = False) -> str:
        """Read a secret. Call this at each use, so that a rotated secret takes effect at once.

        Raises ChannelClosed, whose text names the variable or file of the secret but never its value.
        """
        try:
            value = self.resolve(secret).strip()
        except (ConfigError, OSError, LookupError, ValueError):
            raise ChannelClosed(f"{what}: {secret.reference} is not set or cannot be read") from None
        if not value:
            raise ChannelClosed(f"{what}: {secret.reference} is empty")
        # Check the characters here, because the error of an HTTP library would quote the secret.
        if not all("!" <= char <= "~" or (may_have_spaces and char == " ") for char in value):
            raise ChannelClosed(f"{what}: {secret.reference} has a space or a character that is not allowed")
        return value

    def secret_address(self, secret: Secret, *, what: str) -> str:
        """Read a secret that is an address. Raises ChannelClosed."""
        address = self.secret(secret, what=what)
        if not address.startswith(("https://", "http://")):
            raise ChannelClosed(f"{what}: {secret.reference} does not begin with https://")
        return address


class BaseChannel:
    """The base class of channels. By default, a channel cannot look up messages and keeps no connection open."""

    def __init__(self, name: str, *, account: str, pace: timedelta, context: ChannelContext) -> None:
        self.name = name
        self.account = account
        self.pace = pace
        self.context = context

    def receipt(self, ref: str, *, place: str = "", thread: str = "", link: str = "") -> Receipt:
        """Return the receipt of a message that has just been sent."""
        from bot.model.messages import Receipt  # commands that send nothing start faster without messages

        return Receipt(ref=ref, place=place, thread=thread, link=link, sent_at=self.context.clock.now())

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        raise OutcomeUnknown("this channel cannot look up whether a message arrived")

    async def check(self) -> Sequence[CheckLine]:
        lines: list[CheckLine] = []
        try:
            async for line in self.check_setup():
                lines.append(line)  # noqa: PERF401 - a failed step must keep the lines before it
        except _StepFailedError as failed:
            lines.append(failed.line)
        return lines

    def check_setup(self) -> AsyncIterator[CheckLine]:
        """Yield the lines of ``check``, up to the first ``step`` that fails."""
        raise NotImplementedError

    async def close(self) -> None:
        """Do nothing, because no connection is kept open between calls."""


def passed(what: str, help: str = "") -> CheckLine:  # noqa: A002 - the field's name
    """Return the line of a check that passed."""
    return CheckLine(is_good=True, what=what, help=help)


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Run a step of ``check_setup``. If it raises SendError, the check ends and reports ``what`` as failed."""
    try:
        yield
    except SendError as error:
        raise _StepFailedError(CheckLine(is_good=False, what=what, help=str(error))) from None


class _StepFailedError(Exception):
    def __init__(self, line: CheckLine) -> None:
        super().__init__(line.what)
        self.line = line


class StoredId:
    """The service's id of the channel that the options name, found once and stored between runs."""

    def __init__(self, context: ChannelContext, key: str, find: Callable[[], Awaitable[str]]) -> None:
        import asyncio  # on first use, because it slows commands that send nothing

        self._context = context
        self._key = key
        self._find = find
        self._id = ""
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Return the id. Raises SendError."""
        async with self._lock:
            if not self._id:
                self._id = await self._context.key_values.get(self._key) or ""
            if not self._id:
                await self.put(await self._find())
        return self._id

    async def put(self, new_id: str) -> None:
        """Store a new id."""
        self._id = new_id
        await self._context.key_values.put(self._key, new_id)

    async def forget(self) -> None:
        """Forget the stored id, because another channel may have the name now. The next ``get`` looks it up."""
        if self._id:
            await self.put("")


def check_place(delivery: Delivery, place: str) -> None:
    """Raise NotEditable or ThreadGone if the message to edit or the thread to reply to is not in ``place``."""
    edited, head = delivery.edits, delivery.reply_to
    if edited is not None and edited.place not in (place, edited.thread):
        raise NotEditable("the message is not in the configured channel")
    if head is not None and head.place not in (place, head.thread):
        raise ThreadGone("the thread is not in the configured channel")


T = TypeVar("T")


async def run_in_thread(work: Callable[[], T], *, name: str) -> T:
    """Run a blocking call in a daemon thread. On cancellation, the thread continues and its result is dropped.

    ``asyncio.to_thread`` is unsuitable for two reasons. Its pool is shared and small (six threads on two cores), so a
    few hanging channels would stop all others. At exit, the interpreter waits for the pool's threads, so a hanging send
    would delay the exit beyond the ten seconds after SIGTERM. Each channel makes one call at a time, so there are few
    threads.
    """
    # Import these on first use, because they slow commands that send nothing.
    import asyncio
    import concurrent.futures

    future = concurrent.futures.Future[T]()
    # A running future cannot be cancelled, so the thread can set a result that nobody awaits any more.
    future.set_running_or_notify_cancel()

    def body() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=body, name=f"channel {name}", daemon=True).start()
    return await asyncio.wrap_future(future)
