"""Requests to Discord's API, with its rate limits, its error codes and the permissions that a bot needs.

Rate limits as documented (discord/discord-api-docs, developers/topics/rate-limits.mdx): a bucket that is used up is
not called before it is full again; a 429 says how long to wait, in seconds with decimals. Error codes from
developers/topics/opcodes-and-status-codes.mdx.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from bot import model
from bot.channels.kit import http_client
from bot.channels.kit.errors import LONGEST_WAIT, Act, error_of_status, send_error

Json: TypeAlias = Any

#: Discord blocks other clients ("User Agent" in developers/reference.mdx).
_USER_AGENT = "DiscordBot (https://pypi.org/project/wirewatch, 1.0)"
_WHO = "Discord"
#: Enough for a hundred of the longest messages with all their fields.
_ANSWER_LIMIT_BYTES = 4_000_000


class DiscordApi:
    """The requests of a channel, within Discord's rate limits."""

    def __init__(self, clock: model.Clock) -> None:
        self._clock = clock
        #: The end of the rate limit of each method and bucket.
        self._closed_until: dict[str, datetime] = {}

    async def ask(
        self,
        method: str,
        url: str,
        *,
        bucket: str,
        doing: str,
        token: str = "",
        body: Mapping[str, Json] | None = None,
        instead: Mapping[int, Act] | None = None,
        fine: int | None = None,
    ) -> Json:
        """Return the JSON of the answer. Raises SendError.

        ``bucket`` names the requests that share a rate limit. ``doing`` describes the request in errors. ``instead``
        replaces acts of the errors' table. ``fine`` is a code that counts as an empty answer: {}.
        """
        now = self._clock.now()
        key = f"{method} {bucket}"
        closed_until = self._closed_until.get(key, now)
        if closed_until > now:
            raise self._wait(doing, closed_until - now)
        headers = {"User-Agent": _USER_AGENT}
        if token:
            headers["Authorization"] = f"Bot {token}"
        response = await http_client.request(
            method, url, who=_WHO, document=body, headers=headers, limit_bytes=_ANSWER_LIMIT_BYTES
        )
        now = self._clock.now()
        if response.headers.get("x-ratelimit-remaining") == "0":
            self._close(key, now, _parse_seconds(response.headers.get("x-ratelimit-reset-after")))
        if response.is_success:
            document = response.document
            if document is None:
                raise model.OutcomeUnknown(f"{doing}: {_WHO} answered {response.status} without its JSON document")
            return document
        fields = response.fields
        if response.status == 429 and "retry_after" in fields:
            pause = _parse_seconds(fields["retry_after"])
            self._close(key, now, pause)
            raise self._wait(doing, pause)
        code = fields.get("code")
        if response.status == 401 and code == 0:
            code = UNAUTHORIZED
        if fine is not None and code == fine:
            return {}
        if response.status < 500 and isinstance(code, int) and code in ERRORS:
            act, meaning, advice = ERRORS[code]
            act = (instead or {}).get(code, act)
            raise send_error(act, f"{doing}: Discord says {meaning} ({code})", advice=advice)
        word = f"code {code}" if isinstance(code, int) and code else ""
        raise error_of_status(response.status, who=_WHO, headers=response.headers, now=now, word=word)

    def _close(self, key: str, now: datetime, pause: timedelta) -> None:
        """Send no request of this kind before the pause is over; forget pauses that are over."""
        self._closed_until = {other: until for other, until in self._closed_until.items() if until > now}
        self._closed_until[key] = now + pause

    def _wait(self, doing: str, pause: timedelta) -> model.RetryLater:
        """Return the error for a rate limit; only the limit of posts concerns the whole channel."""
        return model.RetryLater(f"{doing}: Discord says too many requests", after=pause, whole_channel=doing == "post")


def _parse_seconds(value: object) -> timedelta:
    """Parse seconds with decimals; an unreadable value counts as one second."""
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 1.0
    longest = LONGEST_WAIT.total_seconds()
    # NaN and negative values count as one second too.
    return timedelta(seconds=min(seconds, longest) if seconds >= 0 else 1.0)


_RIGHTS = (
    "in the channel's settings, Permissions, allow the bot's role View Channel, Send Messages, Embed Links, Read "
    "Message History, Create Public Threads and Send Messages in Threads"
)
_COPY_ADVICE = "copy the bot's token into what `token:` names: on the application's page choose Bot, Reset Token"
_NEW_WEBHOOK = (
    "make a new one in the channel's settings, Integrations, Webhooks, and copy its URL into what `webhook:` names"
)

#: Code -> the reaction, its meaning, and advice to the operator (for channel-answers.md).
ERRORS: Mapping[int, tuple[Act, str, str]] = {
    20016: (Act.WAIT, "slow mode", ""),
    20028: (Act.WAIT, "the channel's write limit", ""),
    20029: (Act.WAIT, "the server's write limit", ""),
    40006: (Act.WAIT, "turned off for now", ""),
    40062: (Act.WAIT, "rate limited", ""),
    130000: (Act.WAIT, "overloaded", ""),
    20022: (Act.WAIT_ALONE, "edits of an announcement are limited", ""),
    30046: (Act.WAIT_ALONE, "too many edits of a message older than an hour", ""),
    40005: (Act.SIMPLIFY, "too large", ""),
    50006: (Act.SIMPLIFY, "an empty message", ""),
    50035: (Act.SIMPLIFY, "invalid form", ""),
    50109: (Act.SIMPLIFY, "invalid JSON", ""),
    200000: (Act.SIMPLIFY, "blocked by AutoMod", "exempt the bot in the server's settings, AutoMod"),
    240000: (Act.SIMPLIFY, "blocked by the filter of harmful links", ""),
    50083: (Act.TOP_LEVEL, "the thread is archived", ""),
    160002: (Act.TOP_LEVEL, "no reply without the right to read the history", _RIGHTS),
    160005: (Act.TOP_LEVEL, "the thread is locked", ""),
    160006: (Act.TOP_LEVEL, "too many active threads", ""),
    10008: (Act.LEAVE, "unknown message", ""),
    50005: (Act.LEAVE, "another author's message", ""),
    10003: (
        Act.PARK_CHANNEL,
        "unknown channel",
        "the channel is gone, or `to:` in bot.yaml is wrong: right-click it, Copy Link",
    ),
    50001: (Act.PARK_CHANNEL, "missing access", f"add the bot to the server, then {_RIGHTS}"),
    50013: (Act.PARK_CHANNEL, "missing permissions", _RIGHTS),
    50008: (Act.PARK_CHANNEL, "not a text channel", "name a text channel in `to:`"),
    50024: (Act.PARK_CHANNEL, "not for this type of channel", "name a text channel in `to:`"),
    40058: (Act.PARK_CHANNEL, "a forum", "name a text channel in `to:`, not a forum"),
    220001: (Act.PARK_CHANNEL, "a forum's webhook", "the webhook is a forum's: make one in a text channel"),
    10015: (Act.PARK_CHANNEL, "unknown webhook", f"the webhook was deleted: {_NEW_WEBHOOK}"),
    50027: (Act.PARK_CHANNEL, "invalid webhook token", f"the webhook's address is cut or mistyped: {_NEW_WEBHOOK}"),
    40001: (Act.PARK_WORKSPACE, "unauthorized", _COPY_ADVICE),
    50014: (Act.PARK_WORKSPACE, "invalid token", _COPY_ADVICE),
    40002: (Act.PARK_WORKSPACE, "account not verified", "Discord wants the bot's owner to verify the account"),
}

#: The reactions when a thread does not exist.
NO_THREAD: Mapping[int, Act] = dict.fromkeys((10003, 10008, 50001, 50013, 50024), Act.TOP_LEVEL)
#: The code of HTTP 401, whose answer has none.
UNAUTHORIZED = 40001
THREAD_EXISTS = 160004
UNKNOWN_CHANNEL = 10003


_ADMINISTRATOR = 1 << 3
READ_HISTORY = "Read Message History"
#: Name in Discord's settings -> its bit, and what needs it.
NEEDED_PERMISSIONS: Mapping[str, tuple[int, str]] = {
    "View Channel": (1 << 10, "everything"),
    "Send Messages": (1 << 11, "posting"),
    "Embed Links": (1 << 14, "everything below a headline"),
    READ_HISTORY: (1 << 16, "checking whether a message arrived"),
    "Create Public Threads": (1 << 35, "the thread of a story"),
    "Send Messages in Threads": (1 << 38, "replies in the thread of a story"),
}


def compute_permissions(
    channel: Mapping[str, Any], *, roles: Sequence[Mapping[str, Any]], member_roles: Iterable[str], me: str
) -> int:
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


def held_permissions(have: int) -> set[str]:
    """Return the names of the needed permissions in the bit set."""
    return {name for name, (bit, _) in NEEDED_PERMISSIONS.items() if have & bit}


def permission_lines(have: int) -> list[model.CheckLine]:
    """Return a line for each needed permission; its help says what to click."""
    click = "right-click the channel, Edit Channel, Permissions, and allow it for the bot's role"
    return [
        model.CheckLine.of(
            name in held_permissions(have), f"permission {name}", otherwise=f"needed for {purpose}: {click}"
        )
        for name, (_, purpose) in NEEDED_PERMISSIONS.items()
    ]
