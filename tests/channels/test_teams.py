"""Microsoft Teams by a workflow's webhook, against one that refuses what the real one refuses."""

from __future__ import annotations

import pytest

from bot.model.errors import ChannelClosed
from bot.testing import messages
from tests.channels.context import delivery
from tests.channels.services import TEAMS, server_of
from tests.testbed.servers import faulty, teams

Server = faulty.Server[teams.Workflow]

server = server_of(TEAMS)


async def test_what_is_wrong_with_a_workflow_says_what_to_click(server: Server) -> None:
    async def send_error(secret: str | None = None) -> str:
        with pytest.raises(ChannelClosed) as caught:
            await TEAMS.channel(server, secret).send(delivery(messages.POST))
        assert "signature" not in str(caught.value)
        return str(caught.value)

    assert "copy its whole address" in await send_error(TEAMS.secret(server).replace("sig=workflow", "sig=wrong"))
    assert "copy its whole address" in await send_error(f"{server.url}/workflows/other?sig={teams.SIGNATURE}")
    server.service.is_on = False
    assert "Turn on" in await send_error()
    server.service.for_anyone = False
    assert "Anyone" in await send_error()
    server.service.exists = False
    assert "deleted" in await send_error()
    server.fail("post", faulty.Answer(410, "Gone"))
    assert "copy its whole address" in await send_error()


async def test_an_address_of_the_connectors_that_were_turned_off_is_found_before_anything_is_sent(
    server: Server,
) -> None:
    channel = TEAMS.channel(server, "https://contoso.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4")
    with pytest.raises(ChannelClosed, match=r"turned off.*template"):
        await channel.send(delivery(messages.POST))
    _, last = await channel.check()
    assert not last.is_good
