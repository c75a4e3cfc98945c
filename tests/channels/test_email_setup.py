"""Mail: TLS, the login, the check before a first message, and keys that cannot be meant."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from bot import model
from bot.testing import channels as contract
from bot.testing import messages
from testbed.servers import smtp
from tests.channels.context import Secrets, delivery
from tests.channels.test_email import DESK, SUBJECT, channel

# Of a server behind TLS from the first byte.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture
def server() -> Iterator[smtp.Server]:
    with smtp.serve() as running:
        yield running


# -- TLS and login


@pytest.mark.parametrize(
    "check",
    [
        contract.options_are_documented_and_strict,
        contract.no_server_is_not_accepted_and_shows_no_secret,
        contract.a_missing_secret_parks_and_names_only_where_it_is_kept,
    ],
)
def test_the_contract_is_kept_as_far_as_it_is_not_about_http(check: contract.Check) -> None:
    check(SUBJECT)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's certificate is of feeds.test, which is here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(smtp.TLS / "ca.pem"))
    really = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: really(host if host != "feeds.test" else "127.0.0.1", *rest, **more),
    )


def with_login(server: smtp.Server, /, password: str = smtp.PASSWORD, **keys: Any) -> model.Channel:
    written = {"server": f"feeds.test:{server.port}", "username": smtp.USER, "password": "env:MAIL_PASSWORD", **keys}
    return channel(server, Secrets(MAIL_PASSWORD=password), **written)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_login_goes_over_tls_only_and_a_wrong_one_parks_without_showing_it(
    security: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp.serve(security=security, wants_login=True) as server:
        await with_login(server).send(delivery(messages.POST))
        assert len(server.mails) == 1
        with pytest.raises(model.ChannelClosed, match=r"535 to the login.*app password") as caught:
            await with_login(server, "wr0ng-s3cret").send(delivery(messages.POST))
        assert caught.value.whole_workspace
        assert "wr0ng-s3cret" not in f"{caught.value} {caplog.text}"
        with pytest.raises(model.ChannelClosed, match=r"530 to the sender.*add username and password"):
            await channel(server, server=f"feeds.test:{server.port}").send(delivery(messages.POST))
        # The client tries each way to log in.
        server.script("AUTH", "454 4.7.0 temporary authentication failure", times=2)
        with pytest.raises(model.RetryLater):
            await with_login(server).send(delivery(messages.POST))


async def test_a_certificate_that_is_not_trusted_stops_the_mail_before_the_login() -> None:
    with smtp.serve(security="starttls", wants_login=True) as server:
        desk = with_login(server, server=f"127.0.0.1:{server.port}")
        with pytest.raises(model.RetryLater, match="its certificate is not trusted"):
            await desk.send(delivery(messages.POST))
        assert "AUTH" not in server.seen


async def test_a_server_without_starttls_is_not_spoken_to_in_clear(server: smtp.Server) -> None:
    with pytest.raises(model.ChannelClosed, match="offers no STARTTLS; set security to tls"):
        await channel(server, security="starttls").send(delivery(messages.POST))
    assert server.seen == []


# -- the set-up


async def test_check_goes_as_far_as_the_recipients_sends_nothing_and_says_what_to_do(server: smtp.Server) -> None:
    lines = await channel(server, to=[DESK, "nobody@example.org", "x@elsewhere.example"]).check()
    assert [line.is_good for line in lines] == [True, True, False, False]
    assert "correct or remove the address under to" in lines[2].help
    assert "does not relay" in lines[3].help
    server.script("MAIL", "553 5.7.1 sender address rejected")
    [line] = await channel(server).check()
    assert "set sender to its own address" in line.help
    assert server.mails == []


async def test_one_click_is_offered_where_it_can_say_who_clicked(server: smtp.Server) -> None:
    await channel(server, unsubscribe="https://lists.example.org/off?list=desk").send(delivery(messages.POST))
    [taken] = server.mails
    assert taken["List-Unsubscribe"] == "<https://lists.example.org/off?list=desk>"
    assert taken["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
