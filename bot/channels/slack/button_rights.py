"""Who counts in a channel: those whom its operator lists, and its members. Both are asked of Slack now and then.

A group or a channel that cannot be asked lets nobody in by it: what people do is kept and silences others.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot import ports

log = structlog.get_logger()

#: Changes of members take effect after this.
ASKED_EVERY = timedelta(minutes=5)
_PERSON = re.compile(r"[UW][A-Z0-9]{1,20}\Z")
_GROUP = re.compile(r"S[A-Z0-9]{1,20}\Z")

#: Returns the members of a user group by its id, or of the channel by an empty id. Raises SendError.
Members = Callable[[str], Awaitable[frozenset[str]]]


class Allowed:
    """The people who may press the buttons of a channel: those listed in its options, and its members.

    If Slack does not return the members of a group or channel, they may not press: a press has effects for others.
    """

    def __init__(self, listed: Sequence[str], members: Members, clock: ports.Clock) -> None:
        self._persons = frozenset(person_or_group for person_or_group in listed if _PERSON.match(person_or_group))
        self.groups = tuple(person_or_group for person_or_group in listed if _GROUP.match(person_or_group))
        self._members = members
        self._clock = clock
        self._fetched: dict[str, tuple[datetime, frozenset[str]]] = {}

    async def may(self, person: str) -> bool:
        """Return whether the person is listed or in a listed group; without a list everybody may."""
        if not self._persons and not self.groups:
            return True
        if person in self._persons:
            return True
        return any([person in await self._of(group) for group in self.groups])

    async def is_member(self, person: str) -> bool:
        """Return whether the person is a member of the channel."""
        return person in await self._of("")

    async def check(self) -> list[ports.CheckLine]:
        """Return a line for each listed group."""
        lines = []
        for group in self.groups:
            what = f"the members of the user group {group} can be read"
            try:
                await self._members(group)
            except ports.SendError as error:
                text = f"{error}; the app needs the scope usergroups:read for may_act with a group"
                lines.append(ports.CheckLine(is_good=False, what=what, help=text))
            else:
                lines.append(ports.CheckLine(is_good=True, what=what))
        return lines

    async def _of(self, group: str) -> frozenset[str]:
        now = self._clock.now()
        fetched_at, members = self._fetched.get(group, (None, frozenset[str]()))
        if fetched_at is None or not timedelta() <= now - fetched_at < ASKED_EVERY:
            try:
                members = await self._members(group)
            except ports.SendError as error:
                # Keep the members of the last answer.
                log.warning("user group not known" if group else "channel members not known", error=str(error))
                return members
            self._fetched[group] = now, members
        return members
