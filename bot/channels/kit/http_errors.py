"""What an HTTP answer, or its absence, means for a message on its way. Knows no channel."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.error import URLError

from bot import ports
from bot.fetch import headers as response_headers

#: A server that asks for more is asked again after this.
LONGEST_WAIT = timedelta(hours=1)
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def of_status(status: int, *, who: str, headers: Mapping[str, str], now: datetime, word: str = "") -> ports.SendError:
    """Of an answer that is not a success. ``word``: the server's own reason, if it gave one that may be shown."""
    said = f"{who} answered {status}" + (f" ({word})" if word else "")
    if status == 429:
        return ports.Wait(f"{said}: too many messages", after=retry_after(headers, now=now))
    if status == 503 and (after := retry_after(headers, now=now)) is not None:
        return ports.Wait(said, after=after)
    if status >= 500 or status in (408, 425) or status < 300:
        return ports.Unknown(said)
    if status < 400:
        return ports.Parked(f"{said}: the address has moved; put the new one into bot.yaml")
    if status in (400, 413, 422):
        return ports.TooMuch(said)
    if status in (401, 403, 407):
        return ports.Parked(
            f"{said}: the credentials are refused, there or by a proxy on the way", whole_workspace=True
        )
    return ports.Parked(f"{said}: check the address in bot.yaml")


def of_exception(error: Exception, *, who: str) -> ports.SendError:
    """Of no answer. The text never repeats the exception's own: it may hold the address, and that a secret."""
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    # urllib, under slack_sdk, wraps what fails before the request has left in URLError: name, connection, certificate.
    if isinstance(error, URLError) and (known := never_left(reason, who=who)):
        return known
    if isinstance(reason, TimeoutError):
        return ports.Unknown(f"{who}: no answer in time")
    if isinstance(reason, ConnectionError | http.client.HTTPException):
        return ports.Unknown(f"{who}: the connection broke before an answer came")
    return ports.Unknown(f"{who}: no answer that can be read ({type(reason).__name__})")


def never_left(reason: BaseException, *, who: str) -> ports.Wait | None:
    """Of a request that failed before it could leave; None: ``reason`` says nothing that is known."""
    if isinstance(reason, socket.gaierror):
        return ports.Wait(f"{who}: its name cannot be resolved")
    if isinstance(reason, ssl.SSLCertVerificationError):
        why = getattr(reason, "verify_message", "") or "no reason given"
        return ports.Wait(f"{who}: its certificate is not trusted ({why})")
    if isinstance(reason, ConnectionRefusedError):
        return ports.Wait(f"{who}: the connection is refused")
    if isinstance(reason, OSError) and reason.errno in _NO_WAY:
        return ports.Wait(f"{who}: there is no route to its network")
    return None


def retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Seconds or a date (RFC 9110, section 10.2.3); None where it says neither."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    until = response_headers.retry_at(value, now=now)
    return None if until is None else min(max(until - now, timedelta()), LONGEST_WAIT)
