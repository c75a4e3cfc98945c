"""``wirewatch send-test`` for each chat: what is wrong in one sentence, with what to click, and never a secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.commands import wirewatch
from testbed.servers import discord, faulty, teams, telegram


@dataclass(slots=True)
class Chats:
    folder: Path
    discord: faulty.Server[discord.Guild]
    telegram: faulty.Server[telegram.BotApi]
    teams: faulty.Server[teams.Workflow]

    def try_out(self, channel: str, *, code: int = 0, **secrets: str) -> str:
        hook = f"{self.discord.url}/api/webhooks/400000000000000001/hook-key"
        flow = f"{self.teams.url}{teams.PATH}?sig={teams.SIGNATURE}"
        secrets_by_name = {"DISCORD": discord.TOKEN, "HOOK": hook, "TELEGRAM": telegram.TOKEN, "FLOW": flow, **secrets}
        done = wirewatch("send-test", channel, folder=self.folder, code=code, **secrets_by_name)
        output = done.stdout + done.stderr
        for secret in ("hook-key", telegram.TOKEN, teams.SIGNATURE, *secrets.values()):
            assert secret not in output
        return " ".join(output.split())


@pytest.fixture
def chats(tmp_path: Path) -> Iterator[Chats]:
    wirewatch("init", "config", folder=tmp_path)
    with ExitStack() as stack:
        servers = Chats(
            tmp_path,
            stack.enter_context(faulty.serve(discord.Guild())),
            stack.enter_context(faulty.serve(telegram.BotApi())),
            stack.enter_context(faulty.serve(teams.Workflow())),
        )
        at = f'api_url: "{servers.telegram.url}"'
        api = f'api_url: "{servers.discord.url}/api/v10"'
        (tmp_path / "config" / "bot.yaml").write_text(
            "channels:\n"
            "  alerts: {kind: console}\n"
            f'  discord: {{kind: discord, to: "{discord.NEWS}", token: env:DISCORD, {api}}}\n'
            "  hook: {kind: discord, webhook: env:HOOK}\n"
            f'  telegram: {{kind: telegram, to: "{telegram.NEWS}", token: env:TELEGRAM, {at}}}\n'
            "  teams: {kind: teams, webhook: env:FLOW}\n"
        )
        yield servers


def test_a_channel_that_is_ready_gets_one_test_message(chats: Chats) -> None:
    for channel in ("discord", "hook", "telegram", "teams"):
        chats.try_out(channel)
    assert len(chats.discord.service.everything()) == 2
    assert len(chats.telegram.service.messages()) == len(chats.teams.service.cards) == 1


def test_a_wrong_token_says_where_the_right_one_is(chats: Chats) -> None:
    assert "Reset Token" in chats.try_out("discord", code=1, DISCORD="wrong-token-1")
    assert "@BotFather" in chats.try_out("telegram", code=1, TELEGRAM="1:wrong-token-2")
    address = f"{chats.teams.url}{teams.PATH}?sig=wrong-token-3"
    assert "copy its whole address" in chats.try_out("teams", code=1, FLOW=address)
