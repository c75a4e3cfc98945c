"""Button presses and commands of people in a chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bot.model.actions import Action
from bot.model.alerts import Decision
from bot.model.ids import StoryId
from bot.model.messages import Message
from bot.model.rulings import Ruling
from bot.model.silences import Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person in a chat, with their membership in the listener's channels."""

    #: The service's id of the person.
    id: str
    #: The name shown to people, never an id; empty: ``id``.
    name: str = ""
    #: Channels whose ``may_act`` does not include the person.
    barred: frozenset[str] = frozenset()
    #: Channels of which they are a member. For a button press, set only if the action affects other channels.
    member_of: frozenset[str] = frozenset()

    @property
    def author(self) -> str:
        """The name of the person, for people."""
        return self.name or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One press of a button. Its form was checked, but not whether the story exists."""

    #: The channel's id of the press: the same if it is delivered again.
    id: str
    person: Person
    action: Action
    story: StoryId
    #: The place and reference of the message, as in its receipt.
    place: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command that a person typed, or a visit to the bot's page in the service."""

    #: The channel's id of the request: the same if it is delivered again.
    id: str
    person: Person
    #: The arguments of the command, as typed.
    words: str = ""
    #: The person opened the page, which shows the latest stories.
    is_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """The result of an action, shown only to the person."""

    #: May contain names of rules and outlets, which are untrusted.
    text: str = ""
    #: A command that undoes the action, without the name of the bot's command: "silence end 3f2a9c01".
    command: str = ""
    #: Decisions of the action.
    decisions: tuple[Decision, ...] = ()
    #: Why nothing was done; None: it was done, now or before.
    refused: str | None = None
    #: The current message, if its menu was requested.
    message: Message | None = None
    #: What the action created, if people refer to it by an id.
    made: Silence | Ruling | None = None


#: Carries out a press. Raises StoreError if it was not carried out, so that the person does not get a confirmation.
OnPress: TypeAlias = Callable[[Press], Awaitable[ActionResult]]
#: Gets the reason why the connection is down, or None when it is back.
OnChange: TypeAlias = Callable[[str | None], Awaitable[None]]
#: Returns the reply, which is shown to that person only.
OnAsked: TypeAlias = Callable[[Asked], Awaitable[Message]]


class Listener(Protocol):
    """One connection on which button presses and commands arrive."""

    #: The channels whose messages it serves.
    channels: tuple[str, ...]
    #: The service allows one connection for each account: of several processes, only the sending one listens.
    is_alone: bool

    async def listen(self, on_press: OnPress, on_change: OnChange, on_asked: OnAsked) -> None:
        """Listen until cancelled; reconnect when the connection is lost."""
