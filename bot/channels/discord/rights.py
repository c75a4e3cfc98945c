"""What a bot may do in a channel, computed as Discord computes it (developers/topics/permissions.mdx)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot import ports

_ADMINISTRATOR = 1 << 3
HISTORY = "Read Message History"
#: Name as Discord's settings show it -> its bit, and what is lost without it.
NEEDED: Mapping[str, tuple[int, str]] = {
    "View Channel": (1 << 10, "everything"),
    "Send Messages": (1 << 11, "posting"),
    "Embed Links": (1 << 14, "everything below a headline"),
    HISTORY: (1 << 16, "checking whether a message arrived"),
    "Create Public Threads": (1 << 35, "the thread of a story"),
    "Send Messages in Threads": (1 << 38, "replies in the thread of a story"),
}


def of(channel: Mapping[str, Any], *, roles: Sequence[Mapping[str, Any]], member_roles: Iterable[str], me: str) -> int:
    """The permissions of the member ``me`` in ``channel``, as Discord's bit set."""
    # The role of everybody has the server's own id.
    everyone = str(channel.get("guild_id"))
    mine = {everyone, *map(str, member_roles)}
    have = 0
    for role in roles:
        have |= int(role.get("permissions") or 0) if str(role.get("id")) in mine else 0
    if have & _ADMINISTRATOR:
        return ~0
    marks = {str(each.get("id")): each for each in channel.get("permission_overwrites") or ()}
    # First those of everybody, then those of all roles together, then one's own.
    for ids in ({everyone}, mine - {everyone}, {me}):
        found = [marks[each] for each in ids if each in marks]
        for word in ("deny", "allow"):
            bits = 0
            for each in found:
                bits |= int(each.get(word) or 0)
            have = have & ~bits if word == "deny" else have | bits
    return have


def held(have: int) -> set[str]:
    """Names of the needed rights that ``have`` holds."""
    return {name for name, (bit, _) in NEEDED.items() if have & bit}


def lines(have: int) -> list[ports.CheckLine]:
    """One a right, with what to click where it is missing."""
    click = "right-click the channel, Edit Channel, Permissions, and allow it for the bot's role"
    return [
        ports.CheckLine.of(name in held(have), f"permission {name}", otherwise=f"missing for {lost}: {click}")
        for name, (_, lost) in NEEDED.items()
    ]
