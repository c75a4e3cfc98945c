"""What every channel is built with: its context, the types of its options, and a thread for calls that block."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Annotated, Protocol, TypeAlias, TypeVar

import pydantic

from bot import model
from bot.channels.kit import phrases

#: A duration as people write it: ``1 second``.
Duration = Annotated[
    timedelta,
    pydantic.BeforeValidator(model.parse_duration),
    pydantic.PlainSerializer(model.format_duration),
    pydantic.WithJsonSchema({"type": "string", "examples": ["1 second"]}),
]


def _check_address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("expected an address that begins with https:// or http://")
    return url


#: The address of a server.
Address = Annotated[str, pydantic.AfterValidator(_check_address)]


class KeyValues(Protocol):
    """Small values that a channel keeps between runs, such as a channel's id."""

    async def get(self, key: str) -> str | None:
        """Return the value, or None if the key has none."""

    async def put(self, key: str, value: str) -> None:
        """Store the value; replace an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """The clock, the secrets, the store and the time zone of a channel."""

    #: Returns a secret's value; raises ConfigError if its variable or file is missing.
    resolve: Callable[[model.Secret], str]
    clock: model.Clock
    key_values: KeyValues
    #: The zone of times in messages: `timezone` of bot.yaml.
    zone: tzinfo = UTC

    def secret(self, secret: model.Secret, *, what: str) -> str:
        """Read a secret; called at each use, so that a rotated file counts at once.

        Raises Parked, whose text names the place of the secret only.
        """
        try:
            value = self.resolve(secret).strip()
        except (model.ConfigError, OSError, LookupError, ValueError):
            raise model.ChannelClosed(f"{what}: {secret.reference} is not set or cannot be read") from None
        if not value:
            raise model.ChannelClosed(f"{what}: {secret.reference} is empty")
        # An HTTP library refuses such a header or address with an error that quotes the secret.
        if not all("!" <= char <= "~" for char in value):
            raise model.ChannelClosed(f"{what}: {secret.reference} has a space or a character that is not allowed")
        return value


#: The option ``people`` (names with ids) or ``may_act`` (ids).
PeopleOrIds: TypeAlias = dict[str, str] | tuple[str, ...]

#: Accepts a single id as a list of one.
as_list = pydantic.BeforeValidator(lambda written: (written,) if isinstance(written, str) else written)


def check_ids(form: re.Pattern[str], advice: str) -> pydantic.AfterValidator:
    """Return a validator that checks the form of each id. ``advice`` says what to write instead."""

    def check(people: PeopleOrIds) -> PeopleOrIds:
        for person in people.values() if isinstance(people, dict) else people:
            if not form.fullmatch(person):
                raise ValueError(f'"{person[:40]}" is not an id of this service: {advice}')
        return people

    return pydantic.AfterValidator(check)


def person_name(name: object, *, service: str) -> str:
    """Return a person's name, clean and short, to show on any service; without a name "somebody on …", never an id."""
    return (phrases.short_name(name) if isinstance(name, str) else "") or f"somebody on {service}"


def check_edited(edited: model.Receipt | None, *places: str) -> None:
    """Raise NotEditable if the message to edit is not in one of the configured places."""
    if edited is not None and edited.place not in places:
        raise model.NotEditable("the message is in another channel than the one configured now")


def check_thread(head: model.Receipt | None, *places: str) -> None:
    """Raise ThreadGone if the head of the thread to reply in is not in one of the configured places."""
    if head is not None and head.place not in places:
        raise model.ThreadGone("the thread is in another channel than the one configured now")


T = TypeVar("T")


async def run_in_thread(work: Callable[[], T], *, name: str) -> T:
    """Run a blocking call in a daemon thread. If it is cancelled, the thread continues and its result is dropped.

    Not ``asyncio.to_thread``: its pool is shared and small (six threads on two cores), so that a few hanging channels
    would stop all others, and the interpreter waits for its threads at exit, so that a hanging send would outlive the
    ten seconds after SIGTERM. A channel has one call at a time, so there are few threads.
    """
    # Imported on first use: it slows the start of commands that send nothing.
    import asyncio
    import contextlib

    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where T allows it

    def body() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - it is raised again where it is awaited
            error = raised
        # The loop may be closed by now: the process is ending and nobody waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=body, name=f"channel {name}", daemon=True).start()
    return await future
