"""What every channel promises; a new kind is found and tested by itself.

A kind that speaks HTTP is given an address of a server that answers each status; see ``HTTP_KINDS``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pydantic
import pytest

from bot import channels, model, ports
from tests.channels import hostile, messages
from tests.channels.context import Secrets, build, delivery

# Apprise asks for a module that Python 3.11 and 3.12 are about to lose.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "s3cr3t-0123456789abcdef"
BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)
#: Each class of the table, on the wire; ``test_answers`` asks for every other.
STATUSES = (202, 301, 307, 400, 401, 403, 404, 405, 408, 410, 413, 418, 422, 429, 500, 502, 503, 504)
KINDS = sorted(channels.find())


class Origin(ThreadingHTTPServer):
    """Answers every request with one status, or never."""

    daemon_threads = True
    status: int = 500
    headers: ClassVar[dict[str, str]] = {}
    hangs = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.bodies: list[bytes] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Origin

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if self.server.hangs:
            threading.Event().wait(5)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the base class looks for this name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


#: Kind -> its keys in bot.yaml and its secrets, at an address. A kind that is absent speaks no HTTP.
HTTP_KINDS: dict[str, Any] = {
    "slack": lambda at: (
        {"to": "C0123ABCDE", "token": "env:A", "api_url": f"http://{at}/api/"},
        {"A": f"xoxb-{SECRET}"},
    ),
    "slack webhook": lambda at: ({"webhook": "env:A"}, {"A": f"http://{at}/services/{SECRET}"}),
    "webhook": lambda at: (
        {"url": "env:A", "secret": "env:B"},
        {"A": f"http://{at}/hooks/{SECRET}", "B": SECRET},
    ),
    "apprise": lambda at: ({"url": "env:A"}, {"A": f"json://user:{SECRET}@{at}/?retry=0"}),
}
_NO_HTTP = frozenset({"console"})


#: What any service is asked to take in one request.
LARGEST_BODY_BYTES = 256 * 1024
#: Kind -> the texts of a request in which its service reads markup; elsewhere, or of another kind, it reads none.
READS_MARKUP: dict[str, Callable[[Any], Iterator[str]]] = {
    "slack": lambda body: _marked_up(body),
    "slack webhook": lambda body: _marked_up(body),
    "apprise": lambda body: iter((body["title"], body["message"])),
}


def _marked_up(value: Any) -> Iterator[str]:
    """Slack's fallback text and its mrkdwn objects."""
    if isinstance(value, list):
        for each in value:
            yield from _marked_up(each)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn" or "blocks" in value:
            yield value["text"]
        yield from _marked_up([each for each in value.values() if not isinstance(each, str)])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def http_channel(kind: str, at: str) -> ports.Channel:
    written, secrets = HTTP_KINDS[kind](at)
    return build(kind.split(maxsplit=1)[0], secrets=Secrets(**secrets), **written)


def test_every_kind_that_was_found_is_under_this_contract() -> None:
    assert set(KINDS) == {kind.split()[0] for kind in HTTP_KINDS} | _NO_HTTP


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_documented_options_that_refuse_what_they_do_not_know(kind: str) -> None:
    options = channels.options()[kind]
    assert options.__doc__
    assert all(field.description for field in options.model_fields.values())
    with pytest.raises(pydantic.ValidationError):
        options.model_validate({"colour": "red"})
    assert "properties" in options.model_json_schema() or not options.model_fields


@pytest.mark.parametrize("kind", HTTP_KINDS)
@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_is_classified_and_no_secret_shows(
    kind: str, status: int, origin: Origin, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    origin.status = status
    channel = http_channel(kind, origin.address)
    error = await _error_of(channel)
    if error is None:
        assert 200 <= status < 300
    else:
        assert isinstance(error, _allowed(status))
    shown = str(error)
    output = capsys.readouterr()
    assert SECRET not in shown + repr(channel) + channel.account + caplog.text + output.out + output.err


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_whatever_a_feed_says_is_bounded_text_that_pings_nobody(kind: str, origin: Origin) -> None:
    channel = http_channel(kind, origin.address)
    for message in hostile.ALL:
        origin.bodies.clear()
        await _error_of(channel, message)
        assert origin.bodies
        for raw in origin.bodies:
            assert len(raw) <= LARGEST_BODY_BYTES
            told = raw.decode()
            body = json.loads(told) if told.startswith("{") else {"text": told}
            assert not hostile.CONTROL & set("".join(_texts(body)))
            for text in READS_MARKUP.get(kind, lambda body: iter(()))(body):
                assert not [ping for ping in _pings(kind) if ping in text]


def _pings(kind: str) -> list[str]:
    # Slack pings by what stands in angle brackets; a bare @name only with link_names, which no request has.
    return [ping for ping in hostile.PINGS if ping.startswith("<") or not kind.startswith("slack")]


async def _error_of(channel: ports.Channel, message: model.Message = messages.POST) -> ports.SendError | None:
    try:
        await channel.send(delivery(message))
    except ports.SendError as error:
        return error
    return None


def _allowed(status: int) -> tuple[type[ports.SendError], ...]:
    """What may follow: never a blind repetition of what may have arrived, never an end without a word."""
    if status == 429:
        return (ports.Wait,)
    if status >= 500 or status < 300 or status in (408, 425):
        return (ports.Unknown,)
    if status in (400, 413, 422):
        return (ports.TooMuch,)
    return (ports.Parked,)


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_no_server_is_not_accepted_and_shows_no_secret(
    kind: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ports.Unknown if kind == "apprise" else ports.Wait) as caught:
        await http_channel(kind, "127.0.0.1:9").send(delivery(messages.POST))
    output = capsys.readouterr()
    assert SECRET not in str(caught.value) + caplog.text + output.out + output.err


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_a_missing_secret_parks_and_names_only_where_it_is_kept(kind: str) -> None:
    written, _ = HTTP_KINDS[kind]("127.0.0.1:9")
    channel = build(kind.split(maxsplit=1)[0], secrets=Secrets(), **written)
    with pytest.raises(ports.Parked, match="env:A is not set"):
        await channel.send(delivery(messages.POST))
    assert not all(line.is_good for line in await channel.check())


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_a_send_can_be_cancelled_at_once_and_the_channel_goes_on(kind: str, origin: Origin) -> None:
    origin.hangs = True
    channel = http_channel(kind, origin.address)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await channel.send(delivery(messages.POST))
            pytest.fail("it did not hang")
    origin.hangs, origin.status = False, 503
    with pytest.raises(ports.SendError):
        await channel.send(delivery(messages.POST))
    await channel.close()


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_what_cannot_be_looked_up_is_said_in_the_abilities(kind: str, origin: Origin) -> None:
    channel = http_channel(kind, origin.address)
    if not channel.abilities.lookup:
        with pytest.raises(ports.SendError):
            await channel.find(delivery(messages.POST), since=BEGINNING)


async def test_the_console_prints_every_message_and_a_closed_one_parks(capsys: pytest.CaptureFixture[str]) -> None:
    channel = build("console")
    for message in (*messages.ALL.values(), *hostile.ALL):
        receipt = await channel.send(delivery(message))
        assert receipt.ref
    out = capsys.readouterr().out
    assert "BlackBerry to leave Pakistan" in out
    assert not hostile.CONTROL & set(out), "no control character of a feed reaches the terminal"
    assert max(len(line) for line in out.splitlines() if "http" not in line) <= 80
    assert isinstance(model.SendId(receipt.ref), str)
