"""Channels, to which messages are posted, and listeners, on which button presses and commands arrive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from bot.model.actions import Action, Ruling, Silence
    from bot.model.alerts import Decision
    from bot.model.messages import Listing, Message, Post, Receipt
    from bot.model.stories import SendId, StoryId


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """The abilities of a channel's service."""

    threads: bool
    edits: bool
    #: ``find`` can determine whether a message arrived.
    lookup: bool
    #: For this long after the first attempt, the service shows a message once even if it is sent twice.
    idempotent: timedelta = timedelta()


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to deliver."""

    id: SendId
    message: Message
    #: The head of the thread to reply in, or None to post at top level.
    reply_to: Receipt | None = None
    #: The message to edit, or None to send a new message.
    edits: Receipt | None = None
    #: Send text without blocks, because the channel refused the message's form.
    is_plain: bool = False


class CheckLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``send-test``: what was checked, and how to fix it."""

    is_good: bool
    what: str
    help: str = ""

    @classmethod
    def of(cls, is_good: bool, what: str, *, otherwise: str) -> CheckLine:
        """Return a line. Its help is ``otherwise`` if ``is_good`` is false, and empty if it is true."""
        return cls(is_good=is_good, what=what, help="" if is_good else otherwise)


class Channel(Protocol):
    """A place where messages are posted. A kind is a module of bot/channels with ``KIND``, ``Options`` and a class."""

    name: str
    #: Minimum time between two messages.
    pace: timedelta
    #: An identifier of the credentials that contains no secret. Channels with the same account are closed together.
    account: str

    @property
    def abilities(self) -> Abilities:
        """The current abilities; they change if a right turns out to be missing."""

    async def send(self, delivery: Delivery) -> Receipt:
        """Send a message. Raises SendError. After a cancellation the outcome is unknown."""

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        """Return the receipt of a delivery that may have arrived, or None if it did not. Raises SendError."""

    async def check(self) -> Sequence[CheckLine]:
        """Check credentials, rights and destination, without posting."""

    async def close(self) -> None:
        """Close the connections. The channel must not be used afterwards."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person in a chat, with their membership in the listener's channels."""

    #: The service's id of the person.
    id: str
    #: The name shown to people, never an id. If it is empty, ``id`` is shown.
    name: str = ""
    #: Channels whose ``may_act`` does not include the person.
    barred: frozenset[str] = frozenset()
    #: Channels of which the person is a member. For a button press, set only if the action affects another channel.
    member_of: frozenset[str] = frozenset()

    @property
    def author(self) -> str:
        """The person's name, or id if the name is unknown, to show to people."""
        return self.name or self.id


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """One press of a button. Its format has been checked, but the story may not exist."""

    #: The channel's id of the press, which stays the same if the press is delivered again.
    id: str
    person: Person
    action: Action
    story: StoryId
    #: ``Receipt.place`` of the message.
    place: str
    #: ``Receipt.ref`` of the message.
    ref: str


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A command that a person typed, or a visit to the bot's page in the service, or a press of a button there."""

    #: The channel's id of the request, which stays the same if the request is delivered again.
    id: str
    person: Person
    #: The arguments of the command, as typed or as carried by the button.
    words: str = ""
    #: Whether the answer is shown on the bot's page.
    is_page: bool = False


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the answer to a request, with its buttons."""

    message: Message
    #: For a part of the page: the label of a button -> the command that it carries out, such as "silence end 3f2a9c01".
    commands: Mapping[str, str] = msgspec.field(default_factory=dict)


class ActionResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an action, shown only to the person who acted."""

    #: May contain names of rules and outlets, which are untrusted.
    text: str = ""
    #: A command that undoes the action, without the name of the bot's command: "silence end 3f2a9c01".
    command: str = ""
    #: The decisions that the action caused.
    decisions: tuple[Decision, ...] = ()
    #: Why nothing was done. None if the action was carried out, now or by an earlier press.
    refused: str | None = None
    #: The current message of the story, if its menu was requested.
    post: Post | None = None
    #: The silence or ruling that the action created.
    created: Silence | Ruling | None = None


#: Carries out a press. Raises StoreError if it was not carried out, so that the person does not get a confirmation.
OnPress: TypeAlias = Callable[[Press], Awaitable[ActionResult]]
#: Gets the reason why the connection is down, or None when it is back.
OnChange: TypeAlias = Callable[[str | None], Awaitable[None]]
#: Returns the answer, which is shown only to the person who asked.
OnChatRequest: TypeAlias = Callable[[ChatRequest], Awaitable[Sequence[ChatMessage]]]


class Listener(Protocol):
    """One connection on which button presses and commands arrive."""

    #: The channels to which the connection belongs.
    channels: tuple[str, ...]
    #: Whether the service allows only one connection for each account. If so, of several processes only the one that
    #: sends also listens.
    is_alone: bool

    async def listen(self, on_press: OnPress, on_change: OnChange, on_asked: OnChatRequest) -> None:
        """Listen until cancelled; reconnect when the connection is lost."""


class ChannelFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """The features that a channel's options turn on."""

    #: The people whom messages can mention: name -> id on the service.
    people: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Whether messages show the picture of their story.
    shows_pictures: bool = False
    #: The ids of the people who may press buttons. If empty, everybody may.
    may_act: Sequence[str] = ()
    #: Whether messages can be edited. If None, the channel's class determines it.
    can_edit: bool | None = None
    #: Whether the service's limits let a listing show the headline and the link of all its stories.
    shows_all_stories: Callable[[Listing], bool] = lambda listing: True
    #: Whether each story is a record of another service, such as a ticket. Then no two stories share a message, a
    #: verdict from any channel counts, and an edit says when the coverage is over.
    keeps_records: bool = False
