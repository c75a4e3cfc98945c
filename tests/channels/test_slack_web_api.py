"""Slack by bot token, against a server that refuses what Slack refuses."""

from __future__ import annotations

import errno
from urllib.error import URLError

import pytest
import structlog
from msgspec.structs import replace
from slack_sdk.errors import SlackClientError

from bot.channels import checks
from bot.channels.slack import sdk
from bot.model.channels import Abilities, Channel, CheckLine
from bot.model.errors import ChannelClosed, FormRefused, OutcomeUnknown, RetryLater, SendError
from bot.model.rules import Severity
from bot.testing import messages
from tests.channels.context import Secrets, build, delivery, faults
from tests.channels.services import BEGINNING, SLACK, server_of
from tests.testbed.fakes import MemoryKeyValues
from tests.testbed.servers import slack

bot = SLACK.channel

server = server_of(SLACK)


async def test_a_post_arrives_with_blocks_and_send_id_and_nothing_that_slack_would_parse(
    server: slack.Server,
) -> None:
    receipt = await bot(server).send(delivery(messages.POST))
    [message] = server.workspace.messages("policy-alerts")
    assert receipt.ref == message["ts"]
    assert receipt.place == "C000000001"
    assert message["metadata"]["event_payload"] == {"send_id": "send-1", "story": messages.STORY}
    assert (message["parse"], message["link_names"], message["mrkdwn"]) == ("none", False, False)
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)


async def test_a_reply_that_slack_posts_at_top_level_since_its_head_was_deleted_names_its_story(
    server: slack.Server,
) -> None:
    channel = bot(server)
    head = await channel.send(delivery(messages.POST))
    server.workspace.delete("policy-alerts", head.ref)
    reply = delivery(messages.NEW_FACT, id="send-2", reply_to=head)
    receipt = await channel.send(reply)
    [shown] = server.workspace.messages("policy-alerts")
    assert "thread_ts" not in shown
    assert (receipt.ref, receipt.thread) == (shown["ts"], "")
    assert messages.NEW_FACT.story.title.text in str(shown["blocks"]), "outside of its thread it says whose it is"

    result = await channel.find(reply, since=BEGINNING)
    assert result is not None
    assert (result.ref, result.thread) == (shown["ts"], "")


async def test_a_name_is_resolved_once_over_all_pages_and_kept(server: slack.Server) -> None:
    server.workspace.page = 2
    for number in range(5):
        server.workspace.add_channel(f"more-{number}")
    key_values = MemoryKeyValues()
    await bot(server, to="more-4", key_values=key_values).send(delivery(messages.NOTICE))
    assert server.asked("conversations.list") == 4
    server.requests.clear()
    await bot(server, to="more-4", key_values=key_values).send(delivery(messages.NOTICE))
    assert [method for method, _ in server.requests] == ["chat.postMessage"]


async def test_without_the_scope_for_private_channels_the_public_ones_are_found(server: slack.Server) -> None:
    server.workspace.tokens[slack.TOKEN].discard("groups:read")
    await bot(server).send(delivery(messages.NOTICE))
    with pytest.raises(ChannelClosed, match=r"no channel #hidden.*groups:read.*bot\.yaml.*/invite") as caught:
        await bot(server, to="#hidden").send(delivery(messages.NOTICE))
    assert not caught.value.whole_workspace


@pytest.mark.parametrize("in_thread", [False, True], ids=["a message", "a reply whose head was deleted"])
async def test_without_the_history_scope_messages_cannot_be_looked_up(server: slack.Server, in_thread: bool) -> None:
    channel = bot(server)
    head = await channel.send(delivery(messages.POST))
    server.fail("conversations.replies", "thread_not_found")
    server.workspace.tokens[slack.TOKEN].discard("channels:history")
    assert channel.abilities.lookup
    sent = delivery(messages.NEW_FACT, id="send-2", reply_to=head if in_thread else None)
    with pytest.raises(OutcomeUnknown, match="channels:history"):
        await channel.find(sent, since=BEGINNING)
    assert not channel.abilities.lookup


async def test_the_plain_form_leaves_out_refused_metadata_and_takes_the_blocks_of_an_edited_message_away(
    server: slack.Server,
) -> None:
    channel = bot(server)
    head = await channel.send(delivery(messages.POST))
    await channel.send(delivery(messages.EDIT, edits=head, is_plain=True))
    assert server.workspace.messages("policy-alerts")[0]["blocks"] == []
    server.fail("chat.postMessage", "metadata_too_large")
    with pytest.raises(FormRefused):
        await channel.send(delivery(messages.POST))
    await channel.send(delivery(messages.POST, is_plain=True))
    assert "metadata" not in server.workspace.messages("policy-alerts")[1]
    assert not channel.abilities.lookup


async def test_check_says_what_is_right_and_what_to_click(server: slack.Server) -> None:
    assert await faults(bot(server)) == {}
    server.workspace.tokens[slack.TOKEN] -= {"groups:history", "channels:history"}
    server.workspace.channels["C000000001"].is_member = False
    bad = await faults(bot(server))
    assert "Reinstall" in bad["scope channels:history"]
    assert "scope groups:history" not in bad, "it is a public channel"
    assert "/invite" in bad["the app is a member of the channel"]
    assert await faults(bot(server, secret="xoxb-wrong"))
    assert server.workspace.messages("policy-alerts") == []


async def test_the_operator_says_which_replies_the_channel_sees_too(server: slack.Server) -> None:
    head = await bot(server).send(delivery(messages.POST))
    cases = (("never", Severity.HIGH), ("high", Severity.NORMAL), ("high", Severity.HIGH), ("always", Severity.LOW))
    for number, (broadcast, severity) in enumerate(cases):
        message = replace(messages.NEW_FACT, severity=severity)
        await bot(server, broadcast=broadcast).send(delivery(message, id=f"reply {number}", reply_to=head))
    _, *replies = server.workspace.messages("policy-alerts")
    assert [bool(reply.get("reply_broadcast")) for reply in replies] == [False, False, True, True]


async def test_the_check_says_whether_the_app_token_opens_a_connection(server: slack.Server) -> None:
    keys = {**SLACK.keys(server), "buttons": True, "app_token": "env:APP"}
    for token, scopes, remedy in (
        (slack.APP_TOKEN, {"connections:write"}, ""),
        (slack.TOKEN, {"connections:write"}, "xapp-"),
        ("xapp-other", {"connections:write"}, "xapp-"),
        (slack.APP_TOKEN, set[str](), "scope connections:write"),
    ):
        server.workspace.app_tokens[slack.APP_TOKEN] = scopes
        *_, line = await build("slack", secrets=Secrets(A=slack.TOKEN, APP=token), **keys).check()
        assert line.what == "the app token opens a connection for the buttons"
        assert line.is_good is (remedy == "")
        assert remedy in line.help
        assert "other" not in line.help, "no secret in it"


UNREACHABLE = OSError(errno.ENETUNREACH, "unreachable")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (URLError(UNREACHABLE), RetryLater),
        (URLError(TimeoutError("timed out")), OutcomeUnknown),
        # Without URLError, the connection was open, so the message may have arrived.
        (UNREACHABLE, OutcomeUnknown),
        (SlackClientError("https://hooks.example/s3cr3t"), OutcomeUnknown),
    ],
    ids=str,
)
async def test_only_a_message_that_was_certainly_not_sent_is_sent_again_without_a_lookup(
    error: Exception, kind: type[SendError]
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(kind) as caught:
        await sdk._run(fail, name="slack")
    assert "s3cr3t" not in str(caught.value)


async def test_a_channel_that_needs_something_is_logged_and_one_whose_check_breaks_costs_the_others_nothing(
    server: slack.Server,
) -> None:
    class Broken:
        name = "broken"
        abilities = Abilities(threads=True, edits=True, lookup=True)

        async def check(self) -> list[CheckLine]:
            raise RuntimeError("a bug")

    async def logged(*channels: Channel) -> list[str]:
        with structlog.testing.capture_logs() as lines:
            await checks.check_all(channels)
        return [f"{line['event']} {line.get('wanted', '')}".strip() for line in lines]

    broken: Channel = Broken()  # type: ignore[assignment] # only its check is used
    wrong, whole, unscoped = bot(server, "xoxb-wrong"), bot(server), bot(server)
    assert await logged(whole) == []
    assert await logged(broken, wrong) == [
        "channel raised an unexpected error",
        "channel check failed the token is accepted",
    ]
    server.workspace.tokens[slack.TOKEN].discard("channels:history")
    assert await logged(unscoped) == ["channel check failed scope channels:history"]
    assert not unscoped.abilities.lookup, "the first doubt is met with the choice, not with a look that fails"
    assert server.workspace.messages("policy-alerts") == []
