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

#: The longest wait that a server may ask for; a longer one counts as this.
LONGEST_WAIT = timedelta(hours=1)
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def of_status(status: int, *, who: str, headers: Mapping[str, str], now: datetime, word: str = "") -> ports.SendError:
    """Return the error for a response that is not a success; ``word`` is the server's error code, if safe to show."""
    text = f"{who} answered {status}" + (f" ({word})" if word else "")
    if status == 429:
        return ports.Wait(f"{text}: too many messages", after=retry_after(headers, now=now))
    if status == 503 and (wait := retry_after(headers, now=now)) is not None:
        return ports.Wait(text, after=wait)
    if status >= 500 or status in (408, 425) or status < 300:
        return ports.Unknown(text)
    if status < 400:
        return ports.Parked(f"{text}: the address has moved; put the new one into bot.yaml")
    if status in (400, 413, 422):
        return ports.TooMuch(text)
    if status in (401, 403, 407):
        return ports.Parked(f"{text}: the server, or a proxy on the way, refused the credentials", whole_workspace=True)
    return ports.Parked(f"{text}: check the address in bot.yaml")


def of_exception(error: Exception, *, who: str) -> ports.SendError:
    """Return the error for a request without a response.

    Its text does not repeat the exception's, which may contain the address and so a secret.
    """
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    # urllib (under slack_sdk) raises URLError for failures before the request is sent: name, connection, certificate.
    if isinstance(error, URLError) and (wait := never_left(reason, who=who)):
        return wait
    if isinstance(reason, TimeoutError):
        return ports.Unknown(f"{who}: no answer in time")
    if isinstance(reason, ConnectionError | http.client.HTTPException):
        return ports.Unknown(f"{who}: the connection broke before an answer came")
    return ports.Unknown(f"{who}: the answer cannot be read ({type(reason).__name__})")


def never_left(reason: BaseException, *, who: str) -> ports.Wait | None:
    """Return the error for a request that failed before it was sent, or None if ``reason`` does not show that."""
    if isinstance(reason, socket.gaierror):
        return ports.Wait(f"{who}: its name cannot be resolved")
    if isinstance(reason, ssl.SSLCertVerificationError):
        message = getattr(reason, "verify_message", "") or "no reason given"
        return ports.Wait(f"{who}: its certificate is not trusted ({message})")
    if isinstance(reason, ConnectionRefusedError):
        return ports.Wait(f"{who}: the connection is refused")
    if isinstance(reason, OSError) and reason.errno in _NO_WAY:
        return ports.Wait(f"{who}: its network cannot be reached")
    return None


def retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Parse Retry-After, which is seconds or a date (RFC 9110, section 10.2.3); None if it is absent or neither."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    until = response_headers.retry_at(value, now=now)
    return None if until is None else min(max(until - now, timedelta()), LONGEST_WAIT)
