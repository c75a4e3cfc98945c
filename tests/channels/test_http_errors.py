"""Every HTTP status and every way not to answer has one meaning."""

from __future__ import annotations

import http.client
import socket
import ssl
from datetime import UTC, datetime, timedelta
from urllib.error import URLError

import pytest

from bot import ports
from bot.channels.kit import http_errors

NOW = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_one_meaning(status: int) -> None:
    error = http_errors.of_status(status, who="it", headers={}, now=NOW)
    if status == 429:
        assert isinstance(error, ports.Wait)
    elif status in (400, 413, 422):
        assert isinstance(error, ports.TooMuch)
    elif status in (408, 425) or status >= 500 or status < 300:
        assert isinstance(error, ports.Unknown)
    else:
        assert isinstance(error, ports.Parked)
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 0 ", 0),
        ("Wed, 02 Dec 2015 09:01:00 GMT", 60),
        ("Wed, 02 Dec 2015 08:00:00 GMT", 0),
        ("9" * 400, 3600),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("１２", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(value: str, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert http_errors.retry_after({"retry-after": value}, now=NOW) == expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (URLError(socket.gaierror(-2, "Name or service not known")), ports.Wait),
        (URLError(ConnectionRefusedError(111, "refused")), ports.Wait),
        (URLError(OSError(101, "Network is unreachable")), ports.Wait),
        (URLError(ssl.SSLCertVerificationError("no")), ports.Wait),
        (URLError(ConnectionResetError(104, "reset")), ports.Unknown),
        (URLError(TimeoutError("timed out")), ports.Unknown),
        (URLError("unknown url type"), ports.Unknown),
        (ConnectionResetError(104, "reset"), ports.Unknown),
        # Not wrapped: after the connection stood, so it may have arrived.
        (ConnectionRefusedError(111, "refused"), ports.Unknown),
        (http.client.RemoteDisconnected("gone"), ports.Unknown),
        (http.client.IncompleteRead(b""), ports.Unknown),
        (TimeoutError(), ports.Unknown),
        (ValueError("https://hooks.example/s3cr3t"), ports.Unknown),
    ],
)
def test_only_what_surely_never_left_is_sent_again_without_a_look(error: Exception, kind: type[Exception]) -> None:
    made = http_errors.of_exception(error, who="it")
    assert type(made) is kind
    assert "s3cr3t" not in str(made)
