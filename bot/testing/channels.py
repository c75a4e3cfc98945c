"""The contract of every channel, as checks against a local HTTP server. docs/adding-a-channel.md explains them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from bot import channels
from bot.model.access import Secret
from bot.model.channels import Channel, Delivery
from bot.model.errors import ChannelClosed, ConfigError, FormRefused, OutcomeUnknown, RetryLater, SendError
from bot.model.messages import Message, Receipt
from bot.model.stories import SendId
from bot.testing import hostile, messages

#: A part of each secret's value. It must not appear in any text or log.
SECRET = "s3cr3t-0123456789abcdef"  # noqa: S105 - of a test
#: At least one status for each error of ``channels.kit.errors.error_of_status``.
STATUSES = (202, 301, 307, 400, 401, 403, 404, 405, 408, 410, 413, 418, 422, 429, 500, 502, 503, 504)
#: Maximum bytes of a request body.
LARGEST_BODY_BYTES = 256 * 1024
NOW = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)
_NOBODY = "127.0.0.1:9"


class HttpChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of channel, and its configuration for a test server."""

    kind: str
    #: Return the channel's keys in bot.yaml for a server at "host:port", and the values of its ``env:NAME`` secrets by
    #: name. Each value contains ``SECRET``.
    at: Callable[[str], tuple[Mapping[str, object], Mapping[str, str]]]
    #: Return the texts of a JSON request in which the service interprets markup.
    markup: Callable[[Any], Iterator[str]] = msgspec.field(default=lambda body: iter(()))
    #: Texts that would ping somebody if the service found them in its markup.
    pings: tuple[str, ...] = hostile.PINGS
    #: The error that a send raises if no server listens. Use OutcomeUnknown if the channel's library does not report a
    #: refused connection.
    of_no_server: type[SendError] = RetryLater


Check: TypeAlias = Callable[[HttpChannel], None]


def options_are_documented_and_strict(subject: HttpChannel) -> None:
    """Each option has a description, and an unknown key is refused."""
    options = channels.options()[subject.kind]
    assert options.__doc__
    assert all(option.description for option in options.model_fields.values())
    try:
        options.model_validate({"colour": "red"})
    except ValueError:
        return
    raise AssertionError("an unknown key is accepted")


def every_status_is_classified_and_no_secret_shows(subject: HttpChannel) -> None:
    """Each HTTP status raises the expected error, and its text and the log contain no secret."""
    with _serving() as origin:
        for status in STATUSES:
            origin.status = status
            with _captured_output() as output:
                channel = _built(subject, origin.address)
                error = asyncio.run(_error_of(channel))
            assert isinstance(error, _allowed(status)), f"{status}: {error!r}"
            shown = f"{error} {channel!r} {channel.account} {output.getvalue()}"
            assert SECRET not in shown, f"{status}: the secret shows"


def what_a_feed_says_is_bounded_text_that_pings_nobody(subject: HttpChannel) -> None:
    """Hostile messages are sent within the service's limits and without mentions."""
    with _serving() as origin:
        channel = _built(subject, origin.address)
        for message in hostile.ALL:
            origin.bodies.clear()
            asyncio.run(_error_of(channel, message))
            # Ignore requests without a body, which may precede the message.
            sent = [raw for raw in origin.bodies if raw]
            assert sent, "nothing was sent"
            for raw in sent:
                assert len(raw) <= LARGEST_BODY_BYTES
                text = raw.decode()
                body = json.loads(text) if text.startswith("{") else {"text": text}
                assert not hostile.CONTROL & set("".join(_texts(body))), "a control character"
                marked = "\n".join(subject.markup(body))
                assert not [ping for ping in subject.pings if ping in marked], "a ping"


def times_are_in_the_zone_of_the_configuration(subject: HttpChannel) -> None:
    """With ``timezone: Asia/Karachi``, a message shows only times in that zone."""
    with _serving() as origin:
        keys, secrets = subject.at(origin.address)
        asyncio.run(_error_of(build(subject.kind, keys, secrets, zone=ZoneInfo("Asia/Karachi"))))
        sent = b"".join(origin.bodies).decode()
    assert "2 Dec 14:02 PKT" in sent, "no time in the zone of the configuration"
    assert " UTC" not in sent, "a time in another zone"


def no_server_is_not_accepted_and_shows_no_secret(subject: HttpChannel) -> None:
    """A refused connection raises the error that ``of_no_server`` names, without a secret in its text."""
    with _captured_output() as output:
        error = asyncio.run(_error_of(_built(subject, _NOBODY)))
    assert isinstance(error, subject.of_no_server), repr(error)
    assert SECRET not in f"{error} {output.getvalue()}"


def a_missing_secret_parks_and_names_only_where_it_is_kept(subject: HttpChannel) -> None:
    """Without its secret, the channel raises ChannelClosed, and the error names the variable to set."""
    keys, secrets = subject.at(_NOBODY)
    channel = build(subject.kind, keys, {})
    error = asyncio.run(_error_of(channel))
    assert isinstance(error, ChannelClosed), repr(error)
    assert any(f"env:{name} is not set" in str(error) for name in secrets), str(error)
    assert not all(line.is_good for line in asyncio.run(channel.check()))


def a_send_can_be_cancelled_at_once_and_the_channel_goes_on(subject: HttpChannel) -> None:
    """A hanging send ends when it is cancelled, and the next send gets the server's answer."""

    async def cancelled() -> None:
        channel = _built(subject, origin.address)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await channel.send(delivery(messages.POST))
                raise AssertionError("the send did not wait for the server's answer")
        origin.hangs, origin.status = False, 503
        assert await _error_of(channel) is not None
        await channel.close()

    with _serving() as origin:
        origin.hangs = True
        asyncio.run(cancelled())


def the_abilities_declare_missing_lookups(subject: HttpChannel) -> None:
    """``find`` raises SendError if the channel's abilities do not include look-up."""

    async def try_to_find() -> None:
        if not channel.abilities.lookup:
            try:
                await channel.find(delivery(messages.POST), since=NOW)
            except SendError:
                return
            raise AssertionError("find works, but the abilities do not include look-up")

    with _serving() as origin:
        channel = _built(subject, origin.address)
        asyncio.run(try_to_find())


def every_message_gives_a_receipt(subject: HttpChannel) -> None:
    """Each kind of message is sent without an error, also with hostile text in it."""
    channel = _built(subject, _NOBODY)
    for message in (*messages.ALL.values(), *hostile.ALL):
        error = asyncio.run(_error_of(channel, message))
        assert error is None, f"{message.kind}: {error!r}"


#: The checks for a channel without HTTP, such as a file; its ``at`` ignores the address.
LOCAL_CHECKS: tuple[Check, ...] = (
    options_are_documented_and_strict,
    every_message_gives_a_receipt,
    the_abilities_declare_missing_lookups,
)

CHECKS: tuple[Check, ...] = (
    options_are_documented_and_strict,
    every_status_is_classified_and_no_secret_shows,
    what_a_feed_says_is_bounded_text_that_pings_nobody,
    times_are_in_the_zone_of_the_configuration,
    no_server_is_not_accepted_and_shows_no_secret,
    a_missing_secret_parks_and_names_only_where_it_is_kept,
    a_send_can_be_cancelled_at_once_and_the_channel_goes_on,
    the_abilities_declare_missing_lookups,
)


def build(kind: str, keys: Mapping[str, object], secrets: Mapping[str, str], *, zone: tzinfo = UTC) -> Channel:
    """Build a channel from its keys in bot.yaml and the values of its secrets by name."""

    def resolve(secret: Secret) -> str:
        if secret.name not in secrets:
            raise ConfigError(f"{secret.reference} is not set")
        return secrets[secret.name]

    options = channels.options()[kind].model_validate(dict(keys))
    context = channels.ChannelContext(resolve=resolve, clock=_Clock(), key_values=_KeyValues(), zone=zone)
    return channels.build(kind, "desk", options, context)


def delivery(
    message: Message,
    *,
    id: str = "send-1",  # noqa: A002 - as the field is called
    reply_to: Receipt | None = None,
    edits: Receipt | None = None,
    is_plain: bool = False,
) -> Delivery:
    """Return a delivery of the message, like those of the outbox."""
    return Delivery(
        id=SendId(id),
        message=message,
        reply_to=reply_to,
        edits=edits,
        is_plain=is_plain,
    )


def _built(subject: HttpChannel, address: str) -> Channel:
    return build(subject.kind, *subject.at(address))


async def _error_of(channel: Channel, message: Message = messages.POST) -> SendError | None:
    try:
        await channel.send(delivery(message))
    except SendError as error:
        return error
    return None


def _allowed(status: int) -> tuple[type[object], ...]:
    """Return the errors that a status may raise. Others would repeat a message blindly or hide a failure."""
    if status == 429:
        return (RetryLater,)
    if status < 300:
        return (OutcomeUnknown, type(None))
    if status >= 500 or status in (408, 425):
        return (OutcomeUnknown,)
    return (FormRefused,) if status in (400, 413, 422) else (ChannelClosed,)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


class _Clock:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(0)


class _KeyValues:
    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self._kept.get(key)

    async def put(self, key: str, value: str) -> None:
        self._kept[key] = value


@contextlib.contextmanager
def _captured_output() -> Iterator[io.StringIO]:
    """Capture everything that is logged or printed."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield output
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class FaultyServer(ThreadingHTTPServer):
    """A server that answers every request with ``status``, or never if ``hangs`` is true."""

    daemon_threads = True
    status: int = 500
    headers: ClassVar[dict[str, str]] = {}
    hangs = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []

    @property
    def address(self) -> str:
        """The host and port of the server."""
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors, because the checks close connections early."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer

    def answer(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if self.server.hangs:
            threading.Event().wait(5)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextlib.contextmanager
def _serving() -> Iterator[FaultyServer]:
    server = FaultyServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
