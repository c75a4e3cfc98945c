"""Map a service's refusal, an HTTP status or a failed connection to the error that the sender acts on.

Each channel has a table that maps the error codes of its service to an ``Act`` and to advice for the operator. The
tables are shown in docs/reference/channel-answers.md.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, assert_never

from bot.fetch import headers as response_headers
from bot.model.errors import ChannelClosed, FormRefused, NotEditable, OutcomeUnknown, RetryLater, SendError, ThreadGone


class Act(StrEnum):
    """How Wirewatch reacts to a service's error, in the words of docs/reference/channel-answers.md."""

    WAIT = "wait and send again"
    #: Other messages of the channel may still be sent.
    WAIT_ALONE = "wait with this message alone, then send it again"
    LOOK = "check whether it arrived, then send again"
    SIMPLIFY = "send once more as plain text"
    TOP_LEVEL = "post outside of the thread"
    LEAVE = "leave the message as it is"
    LEAVE_OUT = "send to the other recipients, name this one in the log"
    PARK_CHANNEL = "keep this channel's messages, notify the operator"
    PARK_WORKSPACE = "keep the messages of every channel with this token, notify the operator"


#: A service's error code -> reaction and advice to the operator.
ErrorTable: TypeAlias = Mapping[str, tuple[Act, str]]


def rows(act: Act, *codes: str, advice: str = "") -> dict[str, tuple[Act, str]]:
    """Return the rows of an error table for codes with the same reaction."""
    return dict.fromkeys(codes, (act, advice))


def send_error(act: Act, text: str, *, advice: str = "", retry_after: timedelta | None = None) -> SendError:
    """Return the error for an act.

    ``advice`` says what the operator should do. ``retry_after`` is the wait that the service asks for, or None if it
    asks for none.
    """
    text = f"{text}; {advice}" if advice else text
    match act:
        case Act.WAIT | Act.WAIT_ALONE:
            return RetryLater(text, retry_after=retry_after, whole_channel=act is Act.WAIT)
        case Act.LOOK:
            return OutcomeUnknown(text)
        case Act.SIMPLIFY:
            return FormRefused(text)
        case Act.TOP_LEVEL:
            return ThreadGone(text)
        case Act.LEAVE:
            return NotEditable(text)
        case Act.LEAVE_OUT | Act.PARK_CHANNEL | Act.PARK_WORKSPACE:
            return ChannelClosed(text, whole_workspace=act is Act.PARK_WORKSPACE)
        case _:
            assert_never(act)


#: The longest wait that a server may ask for. A longer wait is shortened to this.
LONGEST_WAIT = timedelta(hours=1)
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def error_of_status(status: int, *, who: str, headers: Mapping[str, str], now: datetime, word: str = "") -> SendError:
    """Return the error for a response that is not a success; ``word`` is the server's error code, if safe to show."""
    text = f"{who} answered {status}" + (f" ({word})" if word else "")
    if status == 429:
        return RetryLater(f"{text}: too many messages", retry_after=parse_retry_after(headers, now=now))
    if status == 503 and (wait := parse_retry_after(headers, now=now)) is not None:
        return RetryLater(text, retry_after=wait)
    if status >= 500 or status in (408, 425) or status < 300:
        return OutcomeUnknown(text)
    if status < 400:
        return ChannelClosed(f"{text}: the address has moved; set the new address in bot.yaml")
    if status in (400, 413, 422):
        return FormRefused(text)
    if status in (401, 403, 407):
        return ChannelClosed(
            f"{text}: the server, or a proxy on the way, refused the credentials", whole_workspace=True
        )
    return ChannelClosed(f"{text}: check the address in bot.yaml")


def unsent_error(error: BaseException, *, who: str) -> RetryLater | None:
    """Return RetryLater if a cause of ``error`` shows that the request was not sent. Otherwise return None."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return RetryLater(f"{who}: its name cannot be resolved")
        if isinstance(cause, ssl.SSLCertVerificationError):
            message = getattr(cause, "verify_message", "") or "no reason given"
            return RetryLater(f"{who}: its certificate is not trusted ({message})")
        if isinstance(cause, ConnectionRefusedError):
            return RetryLater(f"{who}: the connection is refused")
        if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
            return RetryLater(f"{who}: its network cannot be reached")
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its causes and the members of exception groups.

    A failed connection has a group with one error for each address of the host, because the reasons may differ.
    """
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__


def parse_retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Parse Retry-After (RFC 9110, section 10.2.3: seconds or a date). Return None if it is absent or invalid."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    until = response_headers.retry_at(value, now=now)
    return None if until is None else min(max(until - now, timedelta()), LONGEST_WAIT)


def parse_wait(value: object) -> timedelta | None:
    """Return the wait that a service states as a number of seconds, or None if ``value`` is not such a number.

    The wait is at most ``LONGEST_WAIT``.
    """
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    # A comparison with NaN is false.
    return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds())) if seconds >= 0 else None
