"""What people press under our messages, and what they ask the bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bot import model
from bot.model.actions import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a chat, and the listener's channels of which they are a part."""

    #: The service's own id of the person.
    id: str
    #: As whom people of any service see them, never an id; empty: as ``id``.
    name: str = ""
    #: Channels whose ``may_act`` leaves the person out.
    barred: frozenset[str] = frozenset()
    #: Channels of which they are a member. Of a press filled only where the action holds beyond its channel.
    member_of: frozenset[str] = frozenset()

    @property
    def author(self) -> str:
        """Who it is, for people."""
        return self.name or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One button, pressed by one person. Its form was checked; that what it names exists was not."""

    #: The channel's own name of the press: the same when it is delivered again.
    id: str
    person: Person
    action: Action
    story: model.StoryId
    #: Where the message is, as its receipt says.
    place: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command that one person typed, or that person's look at the bot's own page of the service."""

    #: The channel's own name of the request: the same when it is delivered again.
    id: str
    person: Person
    #: What stands behind the command, as typed.
    words: str = ""
    #: The person opened the page, which shows the latest stories.
    is_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What became of an action, for the person alone."""

    #: May hold names of rules and outlets, which are untrusted.
    text: str = ""
    #: A command that takes it back, without the name by which commands are called there: "silence end 3f2a9c01".
    command: str = ""
    #: Made by the action.
    decisions: tuple[model.Decision, ...] = ()
    #: Why nothing was done; None: it was, now or before.
    refused: str | None = None
    #: The message as it should read now, where its menu was asked for.
    message: model.Message | None = None
    #: What the action wrote, where that has an id by which people name it.
    made: model.Silence | model.Ruling | None = None


#: Does what a press asks for. StoreError: it was not done, and the person is not told that it was.
OnPress: TypeAlias = Callable[[Press], Awaitable[ActionResult]]
#: Hears why nothing can be heard now; None: all is well again.
OnChange: TypeAlias = Callable[[str | None], Awaitable[None]]
#: Gives the answer, which is shown to that person only.
OnAsked: TypeAlias = Callable[[Asked], Awaitable[model.Message]]


class Listener(Protocol):
    """One connection on which presses and questions arrive."""

    #: The channels whose messages it may be about.
    channels: tuple[str, ...]
    #: The service serves one program an account: of several processes only that which sends to the channels listens.
    is_alone: bool

    async def listen(self, on_press: OnPress, on_change: OnChange, on_asked: OnAsked) -> None:
        """Listen until cancelled, and connect again when the connection is lost."""
