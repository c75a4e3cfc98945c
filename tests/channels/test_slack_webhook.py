"""Slack by incoming webhook: reduced, and said so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.model.channels import Abilities, Channel
from bot.model.errors import ChannelClosed, FormRefused, OutcomeUnknown, RetryLater, SendError
from bot.testing import messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import slack


@pytest.fixture
def server() -> Iterator[slack.Server]:
    with slack.serve() as running:
        running.workspace.hooks["T1/B1/key"] = running.workspace.add_channel("policy-alerts").id
        yield running


def hook(server: slack.Server, key: str = "T1/B1/key") -> Channel:
    return build("slack", secrets=Secrets(HOOK=f"{server.url}/services/{key}"), webhook="env:HOOK")


async def test_it_posts_and_promises_neither_threads_nor_edits_nor_a_look(server: slack.Server) -> None:
    channel = hook(server)
    for message in messages.ALL.values():
        receipt = await channel.send(delivery(message))
        assert receipt.ref == ""
    assert len(server.workspace.messages("policy-alerts")) == len(messages.ALL)
    assert channel.abilities == Abilities(threads=False, edits=False, lookup=False)
    assert any("reduced mode" in line.what for line in await channel.check())


async def test_a_reply_outside_of_a_thread_names_its_story(server: slack.Server) -> None:
    await hook(server).send(delivery(messages.NEW_FACT))
    [message] = server.workspace.messages("policy-alerts")
    assert "BlackBerry to leave Pakistan" in str(message["blocks"])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("500", OutcomeUnknown),
        ("reset_after", OutcomeUnknown),
        ("garbage_after", OutcomeUnknown),
        ("429", RetryLater),
        ("invalid_payload", FormRefused),
        ("no_service", ChannelClosed),
        ("channel_is_archived", ChannelClosed),
        ("action_prohibited", ChannelClosed),
    ],
)
async def test_each_word_of_the_webhook_has_its_deed(server: slack.Server, fault: str, error: type[SendError]) -> None:
    server.fail("T1/B1/key", fault)
    with pytest.raises(error) as caught:
        await hook(server).send(delivery(messages.POST))
    assert "key" not in str(caught.value)


async def test_a_mistyped_address_parks_and_says_so(server: slack.Server) -> None:
    with pytest.raises(ChannelClosed, match="no_service"):
        await hook(server, "T1/B1/other").send(delivery(messages.POST))
    no_address = build("slack", secrets=Secrets(HOOK="hooks.slack.example/x"), webhook="env:HOOK")
    with pytest.raises(ChannelClosed, match="https://"):
        await no_address.send(delivery(messages.POST))
