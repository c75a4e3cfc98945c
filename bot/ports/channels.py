"""A place where messages are posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.model.ids import SendId
from bot.model.messages import Message, Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """The abilities of a channel's service."""

    threads: bool
    edits: bool
    #: ``find`` can determine whether a message arrived.
    lookup: bool
    #: A reply can also be shown in the channel.
    broadcast: bool = False
    #: For this long after the first attempt, the service shows a message once even if it is sent twice.
    idempotent: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to deliver."""

    id: SendId
    message: Message
    #: The head of the thread to reply in; None: top level.
    reply_to: Receipt | None = None
    #: The message to edit; None: a new message.
    edits: Receipt | None = None
    #: Text only, no blocks, after the channel refused the message's form.
    is_plain: bool = False
    #: A reply that is also shown in the channel; without ``reply_to`` it is an ordinary message.
    is_broadcast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One line of ``send-test``: what was checked, and how to fix it."""

    is_good: bool
    what: str
    help: str = ""

    @classmethod
    def of(cls, is_good: bool, what: str, *, otherwise: str) -> CheckLine:
        """Return a line whose help is ``otherwise`` if it is not good, else empty."""
        return cls(is_good=is_good, what=what, help="" if is_good else otherwise)


class Channel(Protocol):
    """A place where messages are posted. A kind is a module of bot/channels with ``KIND``, ``Options`` and a class."""

    name: str
    #: Minimum time between two messages.
    pace: timedelta
    #: Identifies the credentials, without the secret: channels with equal accounts are closed together.
    account: str

    @property
    def abilities(self) -> Abilities:
        """The current abilities; they change if a right turns out to be missing."""

    async def send(self, delivery: Delivery) -> Receipt:
        """Send a message. Raises SendError. After a cancellation the outcome is unknown."""

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        """Return the receipt of a delivery that may have arrived, or None if it did not. Raises SendError."""

    async def check(self) -> Sequence[CheckLine]:
        """Check credentials, rights and place, without posting."""

    async def close(self) -> None:
        """Close the connections; the channel is not used again."""
