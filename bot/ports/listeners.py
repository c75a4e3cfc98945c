"""What people press under our messages, and what they ask the bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bot import model


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One button, pressed by one person. Its form was checked; that what it names exists was not."""

    #: The channel's own name of the press: the same when it is delivered again.
    id: str
    #: The channel's own id of the person.
    by: str
    #: As whom people of any service see them, never an id; empty: as ``by``.
    name: str = ""
    verdict: model.Verdict
    story: model.StoryId
    #: Of which rule, by its key (model.rule_key); empty: of every rule that the message names, or of the story.
    rule: str
    #: Where the message is, as its receipt says.
    place: str
    ref: str
    #: Which article tells another event, or whose outlet is to be silenced.
    article: model.ArticleId | None = None
    #: Which name of the headline is to be silenced, by its key (model.entity_key).
    entity: str = ""
    #: A mute or a snooze that holds already is meant to end: the message could not show that it holds.
    takes_back: bool = False
    #: Channels whose buttons this person may not press.
    barred: frozenset[str] = frozenset()

    @property
    def author(self) -> str:
        """Who it was, for people."""
        return self.name or self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command that one person typed, or that person's look at the bot's own page of the service."""

    #: The channel's own name of the request: the same when it is delivered again.
    id: str
    #: The channel's own id of the person.
    by: str
    #: As whom people of any service see them, never an id.
    name: str
    #: What stands behind the command, as typed.
    words: str = ""
    #: The person opened the page, which shows what is going on.
    is_page: bool = False
    #: Channels in which this person may not act.
    barred: frozenset[str] = frozenset()


#: Keeps a press and gives our answer to the person. StoreError: it was not kept, and the
#: person is not told that it was.
OnPress: TypeAlias = Callable[[Press], Awaitable[str]]
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
