"""What a bot may do in a channel, computed as Discord computes it (developers/topics/permissions.mdx)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot import ports

_ADMINISTRATOR = 1 << 3
HISTORY = "Read Message History"
#: Name in Discord's settings -> its bit, and what needs it.
NEEDED: Mapping[str, tuple[int, str]] = {
    "View Channel": (1 << 10, "everything"),
    "Send Messages": (1 << 11, "posting"),
    "Embed Links": (1 << 14, "everything below a headline"),
    HISTORY: (1 << 16, "checking whether a message arrived"),
    "Create Public Threads": (1 << 35, "the thread of a story"),
    "Send Messages in Threads": (1 << 38, "replies in the thread of a story"),
}


def of(channel: Mapping[str, Any], *, roles: Sequence[Mapping[str, Any]], member_roles: Iterable[str], me: str) -> int:
    """Compute the permissions of the member ``me`` in ``channel``, as in developers/topics/permissions.mdx."""
    # The role of everybody has the server's id.
    everyone = str(channel.get("guild_id"))
    mine = {everyone, *map(str, member_roles)}
    have = 0
    for role in roles:
        have |= int(role.get("permissions") or 0) if str(role.get("id")) in mine else 0
    if have & _ADMINISTRATOR:
        return ~0
    overwrites = {str(overwrite.get("id")): overwrite for overwrite in channel.get("permission_overwrites") or ()}
    # The order is everybody, then all roles together, then the member.
    for ids in ({everyone}, mine - {everyone}, {me}):
        group = [overwrites[name] for name in ids if name in overwrites]
        for word in ("deny", "allow"):
            bits = 0
            for overwrite in group:
                bits |= int(overwrite.get(word) or 0)
            have = have & ~bits if word == "deny" else have | bits
    return have


def held(have: int) -> set[str]:
    """Return the names of the needed permissions in the bit set."""
    return {name for name, (bit, _) in NEEDED.items() if have & bit}


def lines(have: int) -> list[ports.CheckLine]:
    """Return a line for each needed permission; its help says what to click."""
    click = "right-click the channel, Edit Channel, Permissions, and allow it for the bot's role"
    return [
        ports.CheckLine.of(name in held(have), f"permission {name}", otherwise=f"needed for {purpose}: {click}")
        for name, (_, purpose) in NEEDED.items()
    ]
