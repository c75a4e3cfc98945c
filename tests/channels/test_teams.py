"""Microsoft Teams by a workflow's webhook, against one that refuses what the real one refuses."""

from __future__ import annotations

import pytest

from bot.model.channels import Channel
from bot.model.errors import ChannelClosed
from bot.testing import messages
from tests.channels.context import Secrets, build, delivery
from tests.channels.services import TEAMS, server_of
from tests.testbed.servers import faulty, teams

Server = faulty.Server[teams.Workflow]

server = server_of(TEAMS)


def address(server: Server, *, signature: str = teams.SIGNATURE) -> str:
    return f"{server.url}{teams.PATH}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={signature}"


def hook(url: str) -> Channel:
    return build("teams", secrets=Secrets(HOOK=url), webhook="env:HOOK", pace="0 seconds")


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


async def test_an_address_of_the_connectors_that_were_turned_off_is_found_before_anything_is_sent() -> None:
    url = "https://contoso.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4"
    with pytest.raises(ChannelClosed, match=r"turned off.*template"):
        await hook(url).send(delivery(messages.POST))
    _, last = await hook(url).check()
    assert not last.is_good
