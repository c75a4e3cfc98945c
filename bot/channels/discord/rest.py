"""Requests to Discord's API: what an answer means, and not to ask again before Discord lets us.

Rate limits as documented (discord/discord-api-docs, developers/topics/rate-limits.mdx): a bucket whose last answer left
nothing in it is not asked before it is full again; a 429 says how long to wait, in seconds with decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from bot import ports
from bot.channels.discord import errors
from bot.channels.kit import acts, http_client, http_errors
from bot.channels.kit.acts import Act

Json: TypeAlias = Any

#: Discord blocks other clients ("User Agent" in developers/reference.mdx).
_USER_AGENT = "DiscordBot (https://pypi.org/project/wirewatch, 1.0)"
_WHO = "Discord"
#: Enough for a hundred of the longest messages with all their fields.
_LARGEST_BYTES = 4_000_000


class Rest:
    """The requests of a channel, within Discord's rate limits."""

    def __init__(self, clock: ports.Clock) -> None:
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
            method, url, who=_WHO, document=body, headers=headers, limit_bytes=_LARGEST_BYTES
        )
        now = self._clock.now()
        if response.headers.get("x-ratelimit-remaining") == "0":
            self._close(key, now, _seconds(response.headers.get("x-ratelimit-reset-after")))
        if response.is_success:
            document = response.document
            if document is None:
                raise ports.Unknown(f"{doing}: {_WHO} answered {response.status} without its JSON document")
            return document
        fields = response.fields
        if response.status == 429 and "retry_after" in fields:
            pause = _seconds(fields["retry_after"])
            self._close(key, now, pause)
            raise self._wait(doing, pause)
        code = fields.get("code")
        if response.status == 401 and code == 0:
            code = errors.UNAUTHORIZED
        if fine is not None and code == fine:
            return {}
        if response.status < 500 and isinstance(code, int) and code in errors.TABLE:
            act, meaning, advice = errors.TABLE[code]
            act = (instead or {}).get(code, act)
            raise acts.error_of(act, f"{doing}: Discord says {meaning} ({code})", advice=advice)
        word = f"code {code}" if isinstance(code, int) and code else ""
        raise http_errors.of_status(response.status, who=_WHO, headers=response.headers, now=now, word=word)

    def _close(self, key: str, now: datetime, pause: timedelta) -> None:
        """Send no request of this kind before the pause is over; forget pauses that are over."""
        self._closed_until = {other: until for other, until in self._closed_until.items() if until > now}
        self._closed_until[key] = now + pause

    def _wait(self, doing: str, pause: timedelta) -> ports.Wait:
        """Return the error for a rate limit; only the limit of posts concerns the whole channel."""
        return ports.Wait(f"{doing}: Discord says too many requests", after=pause, whole_channel=doing == "post")


def link_of(guild: str, place: str, ref: str) -> str:
    """Return a message's link, empty if the server's id is not known."""
    return f"https://discord.com/channels/{guild}/{place}/{ref}" if guild and place else ""


def _seconds(value: object) -> timedelta:
    """Parse seconds with decimals; an unreadable value counts as one second."""
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 1.0
    longest = http_errors.LONGEST_WAIT.total_seconds()
    # NaN and negative values count as one second too.
    return timedelta(seconds=min(seconds, longest) if seconds >= 0 else 1.0)
