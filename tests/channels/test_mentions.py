"""People whom the configuration mentions are notified on each service, in a first message only; nobody else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from msgspec.structs import replace

from bot.channels import discord, mattermost, telegram
from bot.channels.kit import rendering
from bot.channels.slack import blocks as slack
from bot.model.messages import Mention, Message, Post, Sentence, Span
from bot.testing import messages
from tests.channels.context import delivery, objects
from tests.testbed.servers import slack_rules

HOSTILE = Sentence(
    spans=(Span(text="Ask @duty, @ann, <@123456789012345678> and <!subteam^S012ABCDEF>"),),
    outlet="@ann",
    link="https://evil.example/@ann",
)


def message_for(*ids: str) -> Post:
    mentions = tuple(Mention(name=f"duty{number}", id=person) for number, person in enumerate(ids))
    return replace(messages.POST, story=replace(messages.POST.story, title=HOSTILE), mentions=mentions)


def test_slack_gets_people_groups_and_the_channel_as_elements_of_their_own() -> None:
    blocks = slack.build_blocks(message_for("U0AMINA", "S012ABCDEF", "here"))
    slack_rules.check_blocks(json.loads(json.dumps(blocks)))
    results = [item for item in objects(blocks) if item.get("type") in ("user", "usergroup", "broadcast")]
    assert results == [
        {"type": "user", "user_id": "U0AMINA"},
        {"type": "usergroup", "usergroup_id": "S012ABCDEF"},
        {"type": "broadcast", "range": "here"},
    ]


def test_discord_allows_these_mentions_and_no_other() -> None:
    payload = discord.build_payload(delivery(message_for("123456789012345678", "&223456789012345678")), zone=UTC)
    assert payload["allowed_mentions"] == {
        "parse": [],
        "users": ["123456789012345678"],
        "roles": ["223456789012345678"],
    }
    assert "<@123456789012345678>, <@&223456789012345678>" in payload["content"].split("\n")[0]
    assert discord.build_payload(delivery(message_for()), zone=UTC)["allowed_mentions"] == {"parse": []}


def test_mattermost_and_telegram_read_the_name_from_the_text_which_has_no_other() -> None:
    post = mattermost.render_text(delivery(message_for("ann")), limit=16_000, zone=UTC)
    assert post.split("\n")[0].endswith("for @ann")
    assert post.count("@ann") == 1
    chat = telegram.message_content(delivery(message_for("@ann_desk")), zone=UTC)["text"]
    assert chat.split("\n")[0].endswith("for @ann_desk")
    assert "@ann " not in chat + " "


@pytest.mark.parametrize(
    "render",
    [
        lambda message: slack.build_blocks(message),
        lambda message: discord.build_payload(delivery(message), zone=UTC),
        lambda message: mattermost.render_text(delivery(message), limit=16_000, zone=UTC),
        lambda message: telegram.message_content(delivery(message), zone=UTC),
        lambda message: rendering.plain_message(message),
    ],
    ids=["slack", "discord", "mattermost", "telegram", "plain"],
)
def test_somebody_whom_the_channel_does_not_know_is_named_and_not_notified(
    render: Callable[[Message], Any],
) -> None:
    text = json.dumps(render(message_for("")), ensure_ascii=False)
    assert "duty0" in text
    assert "@duty0" not in text
