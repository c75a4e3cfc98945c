"""docs/channels.md says what each kind of channel can do, and the app's manifest asks for what is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bot import channels
from bot.channels.slack import socket_mode
from bot.channels.slack.channel import SCOPES
from bot.durations import format_duration
from tests.channels.context import build

ROOT = Path(__file__).parents[2]
#: The least that bot.yaml must say of a channel.
_LEAST: Mapping[str, Mapping[str, Any]] = {
    "slack bot token": {"to": "C0123ABCDE", "token": "env:A"},
    "slack webhook": {"webhook": "env:A"},
    "discord bot token": {"to": "123456789012345678", "token": "env:A"},
    "discord webhook": {"webhook": "env:A"},
    "telegram": {"to": "-1001234567890", "token": "env:A"},
    "teams": {"webhook": "env:A"},
    "webhook": {"url": "env:A"},
    "mattermost": {"server": "https://chat.example.org", "to": "c" * 26, "token": "env:A"},
    "email": {"to": "desk@example.org", "sender": "bot@example.org", "server": "mail.example.org"},
    "apprise": {"url": "env:A"},
    "console": {},
}
PAGE = (ROOT / "docs" / "channels.md").read_text()


def test_the_table_of_abilities_is_the_one_that_is_followed() -> None:
    rows = re.findall(
        r"^\| (\w+)(?:, by (bot token|webhook))? \|" + r" (yes|no) \|" * 3 + r" (.+) \|$",
        PAGE,
        re.MULTILINE,
    )
    assert {kind for kind, *_ in rows} == set(channels.kinds().built_in.by_name)
    for kind, mode, *written in rows:
        abilities = build(kind, **_LEAST[f"{kind} {mode}".strip()]).abilities
        claims = (abilities.threads, abilities.edits, abilities.lookup)
        lasts = f"for {format_duration(abilities.idempotent)}" if abilities.idempotent else "no"
        assert written == [*("yes" if claim else "no" for claim in claims), lasts], kind


def test_the_slack_manifest_asks_for_the_scopes_the_command_the_home_tab_and_no_address_to_call() -> None:
    manifest = yaml.safe_load((ROOT / "config" / "slack-app-manifest.yaml").read_text())
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {*SCOPES, "commands"}
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [socket_mode.COMMAND]
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
