"""The contract of every channel; a new kind is found and tested automatically.

A kind that uses HTTP gets the address of a server that answers each status; see ``HTTP_KINDS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot import channels
from bot.model.errors import OutcomeUnknown
from bot.testing import channels as contract
from bot.testing import hostile
from bot.testing.channels import SECRET, HttpChannel
from tests.channels.services import SERVICES

# Apprise asks for a module that Python 3.11 and 3.12 are about to lose.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def _marked_up(value: Any) -> Iterator[str]:
    """Slack's fallback text and its mrkdwn objects."""
    if isinstance(value, list):
        for item in value:
            yield from _marked_up(item)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn" or "blocks" in value:
            yield value["text"]
        yield from _marked_up([item for item in value.values() if not isinstance(item, str)])


def _of_discord(body: Any) -> Iterator[str]:
    yield body["content"]
    for embed in body["embeds"]:
        yield embed.get("description", "")
        yield embed["footer"]["text"] if "footer" in embed else ""


#: Slack pings for text in angle brackets; a bare @name only with link_names, which no request has.
_SLACK_PINGS = tuple(ping for ping in hostile.PINGS if ping.startswith("<"))
#: A kind that is absent speaks no HTTP.
HTTP_KINDS = [
    HttpChannel(
        kind="slack",
        at=lambda at: (
            {"to": "C0123ABCDE", "token": "env:A", "api_url": f"http://{at}/api/"},
            {"A": f"xoxb-{SECRET}"},
        ),
        markup=_marked_up,
        pings=_SLACK_PINGS,
    ),
    HttpChannel(
        kind="slack",
        at=lambda at: ({"webhook": "env:A"}, {"A": f"http://{at}/services/{SECRET}"}),
        markup=_marked_up,
        pings=_SLACK_PINGS,
    ),
    HttpChannel(
        kind="webhook",
        at=lambda at: ({"url": "env:A", "secret": "env:B"}, {"A": f"http://{at}/hooks/{SECRET}", "B": SECRET}),
    ),
    HttpChannel(
        kind="discord",
        at=lambda at: (
            {"to": "123456789012345678", "token": "env:A", "api_url": f"http://{at}/api/v10"},
            {"A": SECRET},
        ),
        markup=_of_discord,
    ),
    HttpChannel(
        kind="discord",
        at=lambda at: ({"webhook": "env:A"}, {"A": f"http://{at}/api/webhooks/400000000000000001/{SECRET}"}),
        markup=_of_discord,
    ),
    HttpChannel(
        kind="telegram",
        at=lambda at: ({"to": "-1001234567890", "token": "env:A", "api_url": f"http://{at}"}, {"A": SECRET}),
        markup=lambda body: iter((body["text"],)),
        # The others are plain text to Telegram.
        pings=tuple(ping for ping in hostile.PINGS if ping.startswith("@")),
    ),
    # Nothing in a card is read as markup, and a mention needs an entity (tests/channels/test_teams.py).
    HttpChannel(
        kind="teams",
        at=lambda at: ({"webhook": "env:A"}, {"A": f"http://{at}/workflows/{SECRET}?sig={SECRET}"}),
    ),
    HttpChannel(
        kind="mattermost",
        at=lambda at: ({"server": f"http://{at}", "to": "c" * 26, "token": "env:A"}, {"A": SECRET}),
        markup=lambda body: iter((body["message"],)),
        pings=("@everyone", "<!", "<@", "@U0"),
    ),
    HttpChannel(
        kind="apprise",
        at=lambda at: ({"url": "env:A"}, {"A": f"json://user:{SECRET}@{at}/?retry=0"}),
        markup=lambda body: iter((body["title"], body["message"])),
        of_no_server=OutcomeUnknown,
    ),
]
_NO_HTTP = frozenset({"console", "email"})
_HOSTILE = contract.what_a_feed_says_is_bounded_text_that_pings_nobody
_STRICT_KINDS = {service.kind for service in SERVICES}


def test_every_built_in_kind_is_under_this_contract() -> None:
    assert set(channels.kinds().built_in.by_name) == {subject.kind for subject in HTTP_KINDS} | _NO_HTTP


@pytest.mark.parametrize(
    ("subject", "check"),
    [
        pytest.param(
            subject,
            check,
            # Every 27th message also goes to a strict server of each service (tests/channels/test_services.py).
            marks=pytest.mark.long if check is _HOSTILE and subject.kind in _STRICT_KINDS else (),
            id=f"{' '.join((subject.kind, *subject.at('')[0]))} {check.__name__}",
        )
        for subject in HTTP_KINDS
        for check in contract.CHECKS
    ],
)
def test_a_channel_keeps_the_contract(subject: HttpChannel, check: contract.Check) -> None:
    check(subject)


def test_the_console_keeps_the_local_contract_in_80_columns_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for check in contract.LOCAL_CHECKS:
        check(contract.HttpChannel(kind="console", at=lambda address: ({}, {})))
    out = capsys.readouterr().out
    assert "BlackBerry to leave Pakistan" in out
    assert not hostile.CONTROL & set(out)
    assert max(len(line) for line in out.splitlines() if "http" not in line) <= 80
