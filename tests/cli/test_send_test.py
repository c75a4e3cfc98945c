"""``wirewatch send-test`` for each chat: what is wrong in one sentence, with what to click, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.channels.services import DISCORD, TEAMS, TELEGRAM, Service
from tests.testbed import configs
from tests.testbed.commands import call


@pytest.mark.parametrize(
    ("service", "remedy"),
    [(DISCORD, "Reset Token"), (TELEGRAM, "@BotFather"), (TEAMS, "copy its whole address")],
    ids=["discord", "telegram", "teams"],
)
def test_a_channel_that_is_ready_gets_one_test_message_and_with_a_wrong_secret_it_is_said_where_the_right_one_is(
    service: Service, remedy: str, tmp_path: Path
) -> None:
    def send_test(secret: str, *, code: int = 0) -> str:
        done = call("send-test", "chat", "--config", ".", folder=tmp_path, code=code, A=secret)
        output = done.stdout + done.stderr
        # Of an address, the signature.
        assert secret.rpartition("=")[2] not in output
        return " ".join(output.split())

    with service.serve() as server:
        channel = {"kind": service.kind, **service.keys(server)}
        configs.write(tmp_path, bot=json.dumps({"channels": {"chat": channel, "alerts": {"kind": "console"}}}))
        send_test(service.secret(server))
        assert len(service.shown(server)) == 1
        assert remedy in send_test(service.secret(server)[:-1], code=1)
        assert len(service.shown(server)) == 1
