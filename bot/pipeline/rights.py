"""The rights of people in a chat, and the context of an action.

Users of the CLI and the API may do everything. In a chat, a person may act in a channel that lists them under
``may_act``, and in a channel without ``may_act`` if they are a member.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection

import msgspec

from bot.alerts import routing
from bot.config.settings import Settings
from bot.model.actions import Silence
from bot.model.alerts import Alert
from bot.model.channels import Person
from bot.model.errors import NotAllowed
from bot.model.rules import Rule
from bot.model.settings import Route
from bot.model.stories import Story
from bot.pipeline.turn import Turn


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """The rights of one person in the channels of one listener."""

    person: Person
    #: The channels that the listener serves.
    channels: tuple[str, ...]
    #: All channels with ``may_act``.
    restricted: frozenset[str]
    #: All channels of bot.yaml, of every service.
    all_channels: frozenset[str]
    #: Those that keep a record of each story, such as an incident. Nobody is a member of them.
    records: frozenset[str]

    @property
    def own(self) -> frozenset[str]:
        """The channels in which the person may act and read."""
        person = self.person
        permitted = (self.restricted | person.member_of) - person.barred
        return frozenset(self.channels) & permitted

    def reach(self) -> tuple[str, ...]:
        """Return the channels that a silence by this person covers, or () for every channel. Raises NotAllowed."""
        self.refuse_barred()
        if not self.own:
            raise NotAllowed("only members of a channel in which Wirewatch posts may act here")
        # Channels of other services have their own readers, even if nobody may act there.
        return () if self.own >= self.all_channels else tuple(sorted(self.own))

    def refuse_barred(self) -> None:
        """Raise NotAllowed if a channel of the listener has a ``may_act`` list without the person."""
        if self.person.barred:
            raise _not_in_may_act(self.person.barred)

    def refuse_split(self) -> None:
        """Raise NotAllowed if a ``may_act`` list may be without the person, because a split affects every channel."""
        self.refuse_barred()
        if elsewhere := self.restricted - set(self.channels):
            raise _not_in_may_act(elsewhere)

    def refuse_end(self, silence: Silence) -> None:
        """Raise NotAllowed unless the person may act in every channel that the silence covers."""
        if silence.channels:
            if forbidden := set(silence.channels) - self.own - self.records:
                listed = ", ".join(sorted(forbidden))
                raise NotAllowed(f"this silence also covers {listed}, where you may not act")
        elif self.reach():
            raise NotAllowed("this silence covers every channel; `wirewatch silence end` ends it")

    def may_read(self, rule: Rule, routes: tuple[Route, ...]) -> bool:
        """Return whether a rule may post to a channel that the person may read."""
        return not self.own.isdisjoint(routing.possible_channels(routes, rule))


def person_rights(person: Person, channels: Collection[str], settings: Settings) -> Rights:
    """Return the rights of a person in ``channels``, which are all channels of one listener."""
    return Rights(
        person=person,
        channels=tuple(channels),
        restricted=settings.restricted_channels,
        all_channels=frozenset(settings.bot.channels),
        records=settings.record_channels,
    )


class ActionContext(msgspec.Struct, frozen=True, kw_only=True):
    """The context of one action: its turn, its author, and the story that it is about."""

    turn: Turn
    #: Id of the request. A repeated delivery of the request has the same id.
    once: str
    #: Name of the person, as shown to other people.
    author: str
    #: Id of the person in the service.
    author_id: str
    #: Rights of the person, or None for a user of the CLI or the API, who may do everything.
    rights: Rights | None = None
    story: Story | None = None
    #: The alert of the message whose button was pressed, or None if the action did not come from a message.
    alert: Alert | None = None


def operator_context(turn: Turn, *, by: str, story: Story | None = None) -> ActionContext:
    """Return the context of an action from the CLI or the API. The request arrives only once, so its id is random."""
    return ActionContext(turn=turn, once=secrets.token_hex(10), author=by, author_id=by, story=story)


def person_context(turn: Turn, rights: Rights, *, once: str) -> ActionContext:
    """Return the context of an action by a person in a chat. ``once`` is the id of the request."""
    return ActionContext(turn=turn, once=once, author=rights.person.author, author_id=rights.person.id, rights=rights)


def _not_in_may_act(channels: Collection[str]) -> NotAllowed:
    listed = ", ".join(sorted(channels))
    return NotAllowed(f"in {listed} only people listed under may_act may act")
