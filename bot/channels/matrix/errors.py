"""Matrix's error codes and what is done about each (docs/channels.md has the same table for people).

Codes of the client-server API (spec.matrix.org, "Standard error response") and of Synapse, synapse/api/errors.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot import ports
from bot.channels.kit import acts, http_errors, phrases
from bot.channels.kit.acts import Act
from bot.channels.kit.http_client import HttpResponse

_LOG_IN = "log in as the bot's account and copy its new access token into what `token:` names"
_JOIN = "invite the bot's account to the room (it joins automatically), and let it send messages there"

#: Code -> the reaction, and advice to the operator (docs/channels.md has the same table). Codes of the client-server
#: API (spec.matrix.org, "Standard error response") and of Synapse (synapse/api/errors.py).
TABLE: Mapping[str, tuple[Act, str]] = {
    "M_LIMIT_EXCEEDED": (Act.WAIT, ""),
    "M_BAD_JSON": (Act.SIMPLIFY, ""),
    "M_NOT_JSON": (Act.SIMPLIFY, ""),
    "M_TOO_LARGE": (Act.SIMPLIFY, ""),
    "M_INVALID_PARAM": (Act.SIMPLIFY, ""),
    "M_MISSING_PARAM": (Act.SIMPLIFY, ""),
    "M_UNKNOWN_TOKEN": (Act.PARK_WORKSPACE, _LOG_IN),
    "M_MISSING_TOKEN": (Act.PARK_WORKSPACE, _LOG_IN),
    "M_USER_DEACTIVATED": (Act.PARK_WORKSPACE, "the bot's account is closed: make another"),
    "M_USER_LOCKED": (Act.PARK_WORKSPACE, "the bot's account is locked: ask the homeserver's admin"),
    "M_USER_SUSPENDED": (Act.PARK_WORKSPACE, "the bot's account is suspended: ask the homeserver's admin"),
    "M_CONSENT_NOT_GIVEN": (Act.PARK_WORKSPACE, "log in as the bot's account once and accept the homeserver's terms"),
    "M_RESOURCE_LIMIT_EXCEEDED": (Act.PARK_WORKSPACE, "the homeserver is full or closed: ask its admin"),
    "M_GUEST_ACCESS_FORBIDDEN": (Act.PARK_WORKSPACE, "the token is of a guest: register an account for the bot"),
    "M_FORBIDDEN": (Act.PARK_CHANNEL, _JOIN),
    "M_NOT_FOUND": (Act.PARK_CHANNEL, "check `room:` in bot.yaml: an alias is #name:server, an id begins with !"),
    "M_UNRECOGNIZED": (Act.PARK_CHANNEL, "check `server:` in bot.yaml: it is not a Matrix homeserver, or too old"),
    "M_UNSUPPORTED_ROOM_VERSION": (Act.PARK_CHANNEL, "the homeserver is too old for this room: update it"),
    "M_INCOMPATIBLE_ROOM_VERSION": (Act.PARK_CHANNEL, "the homeserver is too old for this room: update it"),
}


def error_of(response: HttpResponse, *, doing: str, now: datetime) -> ports.SendError:
    """Return the error for a response that is not a success; ``doing`` describes the request."""
    body = response.fields
    code = body.get("errcode")
    act, advice = TABLE.get(code, (None, "")) if isinstance(code, str) else (None, "")
    # With a status of 5xx the outcome is unknown, whatever the code.
    if act is None or response.status >= 500:
        word = code if isinstance(code, str) and code.isascii() else ""
        return http_errors.of_status(
            response.status, who="the homeserver", headers=response.headers, now=now, word=phrases.cut(word, 60)
        )
    wait = _after(response, body, now=now) if act is Act.WAIT else None
    return acts.error_of(act, f"{doing}: the homeserver says {code}", advice=advice, after=wait)


def _after(response: HttpResponse, body: Mapping[str, object], *, now: datetime) -> timedelta | None:
    """Return the wait from Retry-After, or from the field that older servers use (before version 1.10)."""
    if (wait := http_errors.retry_after(response.headers, now=now)) is not None:
        return wait
    ms = body.get("retry_after_ms")
    return min(timedelta(milliseconds=ms), http_errors.LONGEST_WAIT) if isinstance(ms, int) and ms >= 0 else None


def is_about_relation(response: HttpResponse) -> bool:
    """Return whether the server does not know the event to edit or reply to (Synapse, _validate_event_relation)."""
    body = response.fields
    return response.status == 400 and body.get("errcode") == "M_UNKNOWN" and "relation" in str(body.get("error", ""))
