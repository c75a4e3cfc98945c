"""A place where messages are posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot import model


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a channel's service can do."""

    threads: bool
    edits: bool
    #: ``find`` can tell whether a message arrived.
    lookup: bool
    #: A reply can be shown in the channel too.
    broadcast: bool = False
    #: For so long after its first attempt a message can be sent again: the service shows it once. Zero: it may be shown
    #: twice.
    idempotent: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way."""

    id: model.SendId
    message: model.Message
    #: The head of the thread to reply in; None: top level.
    reply_to: model.Receipt | None = None
    #: The message to edit; None: a new message.
    edits: model.Receipt | None = None
    #: After a refusal for its form: text only, no blocks.
    is_plain: bool = False
    #: A reply that is shown in the channel too; without ``reply_to`` it is a message as any.
    is_broadcast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One line of ``send-test``: what was looked at and what to click where it is wrong."""

    is_good: bool
    what: str
    help: str = ""

    @classmethod
    def of(cls, is_good: bool, what: str, *, otherwise: str) -> CheckLine:
        """With help only where it is not good."""
        return cls(is_good=is_good, what=what, help="" if is_good else otherwise)


class Channel(Protocol):
    """One place where messages are posted; a file of bot/channels with ``KIND``, ``Options`` and a class."""

    name: str
    #: Minimum time between two messages.
    pace: timedelta
    #: Channels with equal accounts share credentials and are closed together; never the secret itself.
    account: str

    @property
    def abilities(self) -> Abilities:
        """May change while it runs: a right turns out to be missing."""

    async def send(self, delivery: Delivery) -> model.Receipt:
        """Raises SendError. Cancelled in flight: the outcome is unknown."""

    async def find(self, delivery: Delivery, *, since: datetime) -> model.Receipt | None:
        """The receipt of a delivery that may have arrived; None: it surely did not. Raises SendError."""

    async def check(self) -> Sequence[CheckLine]:
        """Credentials, rights and place, without posting."""

    async def close(self) -> None:
        """Close the connections; the channel is not used again."""
