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
#: A hundred of the longest messages, with all that Discord says of each.
_LARGEST_BYTES = 4_000_000


class Rest:
    """One channel's requests."""

    def __init__(self, clock: ports.Clock) -> None:
        self._clock = clock
        #: Method and bucket -> not to be asked before.
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
        """The answer's JSON. ``bucket``: what Discord limits together. ``instead``: acts other than the table's here.
        ``fine``: a code that is no refusal; then {}. Raises SendError."""
        now = self._clock.now()
        key = f"{method} {bucket}"
        closed_until = self._closed_until.get(key, now)
        if closed_until > now:
            raise self._wait(doing, closed_until - now)
        headers = {"User-Agent": _USER_AGENT}
        if token:
            headers["Authorization"] = f"Bot {token}"
        answer = await http_client.request(
            method, url, who=_WHO, document=body, headers=headers, limit_bytes=_LARGEST_BYTES
        )
        now = self._clock.now()
        said = answer.document
        if answer.headers.get("x-ratelimit-remaining") == "0":
            self._close(key, now, _seconds(answer.headers.get("x-ratelimit-reset-after")))
        if answer.is_success:
            if said is None:
                raise ports.Unknown(f"{doing}: {_WHO} answered {answer.status} without its document")
            return said
        refused = answer.fields
        if answer.status == 429 and "retry_after" in refused:
            after = _seconds(refused["retry_after"])
            self._close(key, now, after)
            raise self._wait(doing, after)
        code = refused.get("code")
        if answer.status == 401 and code == 0:
            code = errors.UNAUTHORIZED
        if fine is not None and code == fine:
            return {}
        if answer.status < 500 and isinstance(code, int) and code in errors.TABLE:
            act, meaning, advice = errors.TABLE[code]
            act = (instead or {}).get(code, act)
            raise acts.error_of(act, f"{doing}: Discord says {meaning} ({code})", advice=advice)
        word = f"code {code}" if isinstance(code, int) and code else ""
        raise http_errors.of_status(answer.status, who=_WHO, headers=answer.headers, now=now, word=word)

    def _close(self, key: str, now: datetime, after: timedelta) -> None:
        """Ask for nothing of this kind before the time is over, and forget what is over."""
        self._closed_until = {other: until for other, until in self._closed_until.items() if until > now}
        self._closed_until[key] = now + after

    def _wait(self, doing: str, after: timedelta) -> ports.Wait:
        """Only a post's limit holds for the channel; the others hold for their own kind of row."""
        return ports.Wait(f"{doing}: Discord says too many requests", after=after, whole_channel=doing == "post")


def link_of(guild: str, place: str, ref: str) -> str:
    """A message's address for people; empty: its server is not known."""
    return f"https://discord.com/channels/{guild}/{place}/{ref}" if guild and place else ""


def _seconds(value: object) -> timedelta:
    """Seconds with decimals; what cannot be read is one second."""
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 1.0
    longest = http_errors.LONGEST_WAIT.total_seconds()
    # Not a number, or below nothing.
    return timedelta(seconds=min(seconds, longest) if seconds >= 0 else 1.0)
