"""People whom the configuration mentions are notified on each service; a name of an article notifies nobody."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.model.messages import Mention, Post, Sentence, Span
from bot.testing import messages
from tests.channels.context import delivery
from tests.channels.services import DISCORD, MATTERMOST, SLACK, TELEGRAM, Service

HOSTILE = Sentence(
    spans=(Span(text="Ask @duty, @ann, <@123456789012345678> and <!subteam^S012ABCDEF>"),),
    outlet="@ann",
    link="https://evil.example/@ann",
)


def message_for(*ids: str) -> Post:
    mentions = tuple(Mention(name=f"duty{number}", id=person) for number, person in enumerate(ids))
    return replace(messages.POST, story=replace(messages.POST.story, title=HOSTILE), mentions=mentions)


@pytest.mark.parametrize(
    ("service", "ids", "notified"),
    [
        (
            SLACK,
            ["U0AMINA", "S012ABCDEF", "here"],
            [
                {"type": "user", "user_id": "U0AMINA"},
                {"type": "usergroup", "usergroup_id": "S012ABCDEF"},
                {"type": "broadcast", "range": "here"},
            ],
        ),
        (
            DISCORD,
            ["123456789012345678", "&223456789012345678"],
            ["<@123456789012345678>", "<@&223456789012345678>"],
        ),
        (MATTERMOST, ["ann"], ["@ann"]),
        (TELEGRAM, ["@ann_desk"], ["@ann_desk"]),
    ],
    ids=lambda value: str(value) if isinstance(value, Service) else "",
)
async def test_those_whom_the_configuration_mentions_are_notified_and_whom_the_channel_does_not_know_is_named(
    service: Service, ids: list[str], notified: list[Any]
) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        await channel.send(delivery(message_for(*ids)))
        assert service.notified(server) == notified
        for is_plain in (False, True):
            await channel.send(delivery(message_for(""), id=f"unknown {is_plain}", is_plain=is_plain))
            assert "duty0" in service.shown(server)[-1].text or is_plain
        assert service.notified(server) == notified
