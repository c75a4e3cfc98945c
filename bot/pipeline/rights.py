"""Who may do and read what from a chat, and an action under way. Who uses the CLI or the API may do everything.

A person counts in a channel that names them under ``may_act``, and in one that names nobody where they are a member.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import alerts, model, ports
from bot.language import names
from bot.pipeline.snapshot import Snapshot

#: A silence that is made in a chat lasts no longer.
LONGEST_SILENCE = timedelta(days=7)
#: Letters, digits, and what stands between the parts of names.
_NAME = re.compile(r"\w[\w .&'’-]*")
#: Letters that a name must have to be silenced from a chat.
SHORTEST_NAME = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one person may do over one listener."""

    person: ports.Person
    #: Those of the listener.
    channels: tuple[str, ...]
    #: Every channel that has a ``may_act``.
    restricted: frozenset[str]

    @property
    def own(self) -> frozenset[str]:
        """The channels in which the person counts: they may act there, and read what is posted there."""
        person = self.person
        named = self.restricted - person.barred
        return frozenset(each for each in self.channels if each in named or each in person.member_of - person.barred)

    def reach(self) -> tuple[str, ...]:
        """Return the channels in which a silence of this person holds; empty: every one. Raises NotAllowed."""
        self.refuse_barred()
        if not self.own:
            raise ports.NotAllowed("acting here is for members of a channel in which Wirewatch posts")
        is_everywhere = self.own == set(self.channels) and self.restricted <= set(self.channels)
        return () if is_everywhere else tuple(sorted(self.own))

    def refuse_barred(self) -> None:
        """Raise NotAllowed where a channel of the listener leaves the person out."""
        if self.person.barred:
            raise _only_named(self.person.barred)

    def refuse_split(self) -> None:
        """Raise NotAllowed unless the person may change a story, which changes it in every channel."""
        self.refuse_barred()
        if elsewhere := self.restricted - set(self.channels):
            raise _only_named(elsewhere)

    def refuse_end(self, silence: model.Silence) -> None:
        """Raise NotAllowed unless the person may end the silence: they count wherever it holds."""
        if silence.channels:
            if others := set(silence.channels) - self.own:
                raise ports.NotAllowed(f"this silence holds in {', '.join(sorted(others))} too, where you may not act")
        elif self.reach():
            raise ports.NotAllowed("this silence holds in every channel; `wirewatch silence end` ends it")

    def may_read(self, rule: model.Rule, routes: tuple[model.Route, ...]) -> bool:
        """Return whether a rule posts, or may post, to a channel in which the person counts."""
        posts_to = rule.notify or alerts.routing.possible(routes, rule)
        return not self.own.isdisjoint(posts_to)


def rights_of(person: ports.Person, channels: Collection[str], snapshot: Snapshot) -> Rights:
    """``channels``: those of the listener that heard the person."""
    return Rights(person=person, channels=tuple(channels), restricted=snapshot.restricted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One action under way: its transaction, and who acts."""

    tx: ports.Transaction
    snapshot: Snapshot
    now: datetime
    #: Names the occasion: the same when the request is delivered again.
    once: str
    #: Who, for people, and by the id of their service.
    author: str
    author_id: str
    #: None: the operator, by the CLI or the API, who may do everything.
    rights: Rights | None = None


def turn_of_operator(tx: ports.Transaction, snapshot: Snapshot, *, by: str, now: datetime) -> Turn:
    """Begin an action of the CLI or the API, which is not delivered twice."""
    return Turn(tx=tx, snapshot=snapshot, now=now, once=secrets.token_hex(10), author=by, author_id=by)


def check_silence(silence: model.Silence) -> None:
    """Raise CannotSilence for what may not be silenced from a chat: too long, or too wide a name."""
    if silence.until is not None and silence.until - silence.at > LONGEST_SILENCE:
        days = LONGEST_SILENCE.days
        raise ports.CannotSilence(
            f"from a chat a silence lasts at most {days} days; `wirewatch silence add` makes a longer one"
        )
    if silence.kind is model.SilenceKind.ENTITY and not _is_name(silence.name):
        raise ports.CannotSilence(
            f"from a chat an entity is a name of at least {SHORTEST_NAME} letters without wildcards, such as "
            f'"Acme Telecom"; "{silence.name}" is not'
        )


def _is_name(text: str) -> bool:
    """Return whether a text is narrow enough: no term of the rule language, no common word.

    >>> _is_name("Acme Telecom"), _is_name("BlackBerry"), _is_name("new*"), _is_name("the"), _is_name("Government")
    (True, True, False, False, False)
    """
    if sum(letter.isalpha() for letter in text) < SHORTEST_NAME or not _NAME.fullmatch(text):
        return False
    has_case = text.lower() != text.upper()
    if has_case and text == text.lower():
        return False
    return not has_case or " " in text or text in names.proper_names(text)


def _only_named(channels: Collection[str]) -> ports.NotAllowed:
    listed = ", ".join(sorted(channels))
    return ports.NotAllowed(f"in {listed} acting is for those whom the operator named under may_act")
