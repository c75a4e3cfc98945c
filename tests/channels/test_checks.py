"""The log lines about channels when the bot starts."""

from __future__ import annotations

import structlog

from bot.channels import checks
from bot.model.channels import Abilities, Channel, CheckLine
from tests.channels.context import Secrets, build
from tests.channels.services import SLACK, server_of
from tests.testbed.servers import slack

bot = SLACK.channel

server = server_of(SLACK)


async def logged(*channels: Channel) -> list[tuple[str, str]]:
    with structlog.testing.capture_logs() as lines:
        await checks.check_all(channels)
    return [(line["event"], str(line.get("wanted", ""))) for line in lines]


async def test_a_missing_history_scope_is_logged_at_the_start(server: slack.Server) -> None:
    server.workspace.tokens[slack.TOKEN].discard("channels:history")
    channel = bot(server)
    assert await logged(channel) == [("channel check failed", "scope channels:history")]
    assert not channel.abilities.lookup, "the first doubt is met with the choice, not with a look that fails"


async def test_only_a_channel_that_needs_something_is_logged(server: slack.Server) -> None:
    assert await logged(bot(server)) == []
    assert server.workspace.messages("policy-alerts") == []
    assert await logged(bot(server, "xoxb-wrong")) == [("channel check failed", "the token is accepted")]


async def test_a_channel_whose_check_breaks_costs_the_others_nothing(server: slack.Server) -> None:
    class Broken:
        name = "broken"
        abilities = Abilities(threads=True, edits=True, lookup=True)

        async def check(self) -> list[CheckLine]:
            raise RuntimeError("a bug")

    hook = build("webhook", secrets=Secrets(URL="http://127.0.0.1:9/"), url="env:URL")
    broken: Channel = Broken()  # type: ignore[assignment] # only its check is used
    events = [event for event, _ in await logged(broken, hook)]
    assert events == ["channel raised an unexpected error"]
