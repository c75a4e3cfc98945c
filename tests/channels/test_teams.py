"""Microsoft Teams by a workflow's webhook, against one that refuses what the real one refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.kit.phrases import json_size
from bot.channels.teams import LIMIT_BYTES, build_card
from bot.model.channels import Abilities, Channel
from bot.model.errors import ChannelClosed, OutcomeUnknown
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import faulty, teams

Server = faulty.Server[teams.Workflow]
BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(teams.Workflow()) as running:
        yield running


def address(server: Server, *, signature: str = teams.SIGNATURE) -> str:
    return f"{server.url}{teams.PATH}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={signature}"


def hook(url: str) -> Channel:
    return build("teams", secrets=Secrets(HOOK=url), webhook="env:HOOK", pace="0 seconds")


async def test_it_promises_neither_threads_nor_edits_nor_a_look_and_says_so(server: Server) -> None:
    channel = hook(address(server))
    assert channel.abilities == Abilities(threads=False, edits=False, lookup=False)
    with pytest.raises(OutcomeUnknown):
        await channel.find(delivery(messages.POST), since=BEGINNING)
    reduced, good = await channel.check()
    assert good.is_good
    assert "no edits" in reduced.what
    assert "run history" in reduced.help
    assert server.service.cards == []


async def test_what_is_wrong_with_a_workflow_says_what_to_click(server: Server) -> None:
    async def send_error(url: str) -> str:
        with pytest.raises(ChannelClosed) as caught:
            await hook(url).send(delivery(messages.POST))
        assert "signature" not in str(caught.value)
        return str(caught.value)

    assert "copy its whole address" in await send_error(address(server, signature="wrong-signature"))
    assert "copy its whole address" in await send_error(f"{server.url}/workflows/other?sig={teams.SIGNATURE}")
    server.service.is_on = False
    assert "Turn on" in await send_error(address(server))
    server.service.for_anyone = False
    assert "Anyone" in await send_error(address(server))
    server.service.exists = False
    assert "deleted" in await send_error(address(server))
    server.fail("post", faulty.Answer(410, "Gone"))
    assert "copy its whole address" in await send_error(address(server))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://contoso.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4", "turned off.*template"),
        ("outlook.example/x", "https://"),
    ],
)
async def test_an_address_of_another_kind_is_found_before_anything_is_sent(url: str, words: str) -> None:
    with pytest.raises(ChannelClosed, match=words):
        await hook(url).send(delivery(messages.POST))
    _, last = await hook(url).check()
    assert not last.is_good


@given(st.text(max_size=200).map(lambda text: text * 30))
@settings(max_examples=15, deadline=None)
def test_whatever_a_feed_says_a_card_keeps_teams_limits(text: str) -> None:
    for message in hostile.every_kind(text, messages.WIRE, many=30):
        for is_plain in (False, True):
            card = build_card(delivery(message, is_plain=is_plain), zone=UTC)
            assert json_size(card) <= LIMIT_BYTES
            assert teams._attachments(card)
            teams._checked(card["attachments"][0])
