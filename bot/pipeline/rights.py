"""The rights of people in a chat. Users of the CLI and the API may do everything."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import alerts, model, ports
from bot.language import names
from bot.pipeline.snapshot import Snapshot

#: Maximum duration of a silence made in a chat.
LONGEST_SILENCE = timedelta(days=7)
#: Letters, digits, and the punctuation of names.
_NAME = re.compile(r"\w[\w .&'’-]*")
#: Minimum letters of a name that is silenced from a chat.
SHORTEST_NAME = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The rights of one person over one listener."""

    person: ports.Person
    #: The channels of the listener.
    channels: tuple[str, ...]
    #: All channels with ``may_act``.
    restricted: frozenset[str]

    @property
    def own(self) -> frozenset[str]:
        """The channels in which the person may act and read."""
        person = self.person
        permitted = (self.restricted | person.member_of) - person.barred
        return frozenset(self.channels) & permitted

    def reach(self) -> tuple[str, ...]:
        """Return the channels that a silence of this person covers; empty: every channel. Raises NotAllowed."""
        self.refuse_barred()
        if not self.own:
            raise ports.NotAllowed("only members of a channel in which Wirewatch posts may act here")
        is_everywhere = self.own == set(self.channels) and self.restricted <= set(self.channels)
        return () if is_everywhere else tuple(sorted(self.own))

    def refuse_barred(self) -> None:
        """Raise NotAllowed if the ``may_act`` of a channel of the listener does not include the person."""
        if self.person.barred:
            raise _not_in_may_act(self.person.barred)

    def refuse_split(self) -> None:
        """Raise NotAllowed unless the person may change stories, which affects every channel."""
        self.refuse_barred()
        if elsewhere := self.restricted - set(self.channels):
            raise _not_in_may_act(elsewhere)

    def refuse_end(self, silence: model.Silence) -> None:
        """Raise NotAllowed unless the person may act in every channel that the silence covers."""
        if silence.channels:
            if forbidden := set(silence.channels) - self.own:
                listed = ", ".join(sorted(forbidden))
                raise ports.NotAllowed(f"this silence also covers {listed}, where you may not act")
        elif self.reach():
            raise ports.NotAllowed("this silence covers every channel; `wirewatch silence end` ends it")

    def may_read(self, rule: model.Rule, routes: tuple[model.Route, ...]) -> bool:
        """Return whether a rule may post to a channel that the person may read."""
        posts_to = rule.notify or alerts.routing.possible(routes, rule)
        return not self.own.isdisjoint(posts_to)


def rights_of(person: ports.Person, channels: Collection[str], snapshot: Snapshot) -> Rights:
    """Return the rights of a person; ``channels``: those of the listener."""
    return Rights(person=person, channels=tuple(channels), restricted=snapshot.restricted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The context of one action: its transaction and its author."""

    tx: ports.Transaction
    snapshot: Snapshot
    now: datetime
    #: Identifies the request: the same if it is delivered again.
    once: str
    #: The person's name for people, and the service's id.
    author: str
    author_id: str
    #: None: a user of the CLI or the API, who may do everything.
    rights: Rights | None = None


def turn_of_operator(tx: ports.Transaction, snapshot: Snapshot, *, by: str, now: datetime) -> Turn:
    """Return the context of an action of the CLI or the API, which is not delivered twice."""
    return Turn(tx=tx, snapshot=snapshot, now=now, once=secrets.token_hex(10), author=by, author_id=by)


def check_silence(silence: model.Silence) -> None:
    """Raise CannotSilence for a silence that a chat may not make: too long, or with too general a name."""
    if silence.until is not None and silence.until - silence.at > LONGEST_SILENCE:
        days = LONGEST_SILENCE.days
        raise ports.CannotSilence(
            f"a silence from a chat lasts at most {days} days; `wirewatch silence add` makes longer ones"
        )
    if silence.kind is model.SilenceKind.ENTITY and not _is_name(silence.name):
        raise ports.CannotSilence(
            f"an entity from a chat must be a name of at least {SHORTEST_NAME} letters without wildcards, such as "
            f'"Acme Telecom"; "{silence.name}" is not'
        )


def _is_name(text: str) -> bool:
    """Return whether a text is a name: not a term of the rule language and not a common word.

    >>> _is_name("Acme Telecom"), _is_name("BlackBerry"), _is_name("new*"), _is_name("the"), _is_name("Government")
    (True, True, False, False, False)
    """
    if sum(letter.isalpha() for letter in text) < SHORTEST_NAME or not _NAME.fullmatch(text):
        return False
    has_case = text.lower() != text.upper()
    if has_case and text == text.lower():
        return False
    return not has_case or " " in text or text in names.proper_names(text)


def _not_in_may_act(channels: Collection[str]) -> ports.NotAllowed:
    listed = ", ".join(sorted(channels))
    return ports.NotAllowed(f"in {listed} only people listed under may_act may act")
