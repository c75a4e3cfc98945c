"""docs/channels.md knows every kind, every key and every word of Slack's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import channels, model
from bot.channels.email import smtp
from bot.channels.slack import socket_mode, web_api
from testbed import told
from tests.channels.context import build
from tests.channels.test_services import SERVICES, Service

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
    "matrix": {"server": "https://matrix.example.org", "room": "!a:example.org", "token": "env:A"},
    "email": {"to": "desk@example.org", "sender": "bot@example.org", "server": "mail.example.org"},
    "apprise": {"url": "env:A"},
    "console": {},
}
PAGE = (ROOT / "docs" / "channels.md").read_text()


@pytest.mark.parametrize("kind", channels.options())
def test_every_kind_and_every_key_has_its_heading(kind: str) -> None:
    part = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [section] = [each for each in part if each.splitlines()[0] == kind]
    headings = set(re.findall(r"^### (\w+)$", section, flags=re.MULTILINE))
    assert headings == set(channels.options()[kind].model_fields)


def test_the_table_of_abilities_is_the_one_that_is_followed() -> None:
    rows = re.findall(
        r"^\| (\w+)(?:, by (bot token|webhook))? \|" + r" (yes|no) \|" * 4 + r" (.+) \|$",
        PAGE,
        re.MULTILINE,
    )
    assert {kind for kind, *_ in rows} == set(channels.find())
    for kind, mode, *written in rows:
        found = build(kind, **_LEAST[f"{kind} {mode}".strip()]).abilities
        claims = (found.threads, found.edits, found.broadcast, found.lookup)
        lasts = f"for {model.format_duration(found.idempotent)}" if found.idempotent else "no"
        assert written == [*("yes" if claim else "no" for claim in claims), lasts], kind


def test_the_table_of_mail_servers_answers_is_the_one_that_is_followed() -> None:
    for stage, table in smtp.ERRORS.items():
        for code, rule in table.items():
            act = str(rule.act or smtp.LEAVE_OUT) + (f"; {rule.advice}" if rule.advice else "")
            assert f"| {stage} | `{code}{'…' if len(code) == 1 else ''}` | {act} |" in PAGE


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_each_story_is_told_as_it_is_really_sent() -> None:
    assert told.page(PAGE) == PAGE, "run scripts/told"
    assert set(told.TOLD) == set(re.findall(r"<!-- told: (\w+) -->", PAGE))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.kind))
def test_the_table_of_a_services_codes_is_the_one_that_is_followed(service: Service) -> None:
    for code, (act, advice) in service.codes.items():
        consequence = str(act) + (f"; {advice}" if advice else "")
        assert re.search(
            rf"^\| `{re.escape(str(code))}` \| (?:[^|]+ \| )?{re.escape(consequence)} \|$", PAGE, re.MULTILINE
        ), code


def test_the_slack_manifest_asks_for_the_scopes_the_command_the_home_tab_and_no_address_to_call() -> None:
    manifest = yaml.safe_load((ROOT / "config" / "slack-app-manifest.yaml").read_text())
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {*web_api.SCOPES, "commands"}
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [socket_mode.COMMAND]
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
