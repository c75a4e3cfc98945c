"""A channel's keys in bot.yaml: a value that cannot be meant is refused in words that say what to write."""

from __future__ import annotations

import sys

import pytest

from bot import channels

VALID: dict[str, dict[str, object]] = {
    "slack": {"to": "#x", "token": "env:T"},
    "discord": {"to": "123456789012345678", "token": "env:T"},
    "telegram": {"to": "-1", "token": "env:T"},
    "mattermost": {"server": "https://chat.example.org", "team": "a", "to": "b", "token": "env:T"},
    "email": {"to": "desk@example.org", "sender": "desk@example.org", "server": "smtp.example.org"},
    "webhook": {"url": "env:URL", "template": "{}", "path": "/{{ title | urlencode }}", "method": "PUT"},
}
MISSING: object = None


@pytest.mark.parametrize(
    ("kind", "keys", "words"),
    [
        ("slack", {"webhook": "env:H"}, "remove to and token"),
        ("slack", {"pace": "0 seconds"}, "at least 1 second"),
        ("slack", {"to": "@ann"}, "in quotes"),
        ("slack", {"api_url": "slack.example"}, "https://"),
        ("slack", {"app_token": "env:A"}, "buttons: true"),
        (
            "slack",
            {"to": MISSING, "token": MISSING, "webhook": "env:W", "buttons": True, "app_token": "env:A"},
            "cannot receive",
        ),
        ("slack", {"buttons": True, "app_token": "env:A", "may_act": ["@amina"]}, "is not an id of this service"),
        ("discord", {"token": MISSING}, "add to and token"),
        ("discord", {"to": "#news"}, "Copy Link"),
        ("telegram", {"to": "News"}, "in quotes"),
        ("telegram", {"topic": 0}, "topic"),
        ("telegram", {"may_act": "77"}, "add buttons: true"),
        ("mattermost", {"server": "https://chat.example.org/api/v4"}, "server's address"),
        ("mattermost", {"to": "Policy Alerts"}, "in small letters"),
        ("mattermost", {"team": MISSING}, "add the team"),
        ("mattermost", {"max_length": 100}, "4000"),
        ("email", {"to": []}, "at least one address"),
        ("email", {"to": "a@b.example\nBcc: c@d.example"}, "expected an address"),
        ("email", {"to": ["desk@example.org", "DESK@example.org"]}, "twice"),
        ("email", {"server": "smtp.example.org:99999"}, "server's name"),
        ("email", {"username": "desk"}, "go together"),
        ("email", {"username": "desk", "password": "env:A", "security": "none"}, "not be sent unencrypted"),
        ("email", {"unsubscribe": "https://x.example/>\r\nBcc: a@b.c"}, "mailto: or https://"),
        (
            "email",
            {"unsubscribe": "https://x.example/u", "to": ["a@example.org", "b@example.org"]},
            "does not identify the recipient",
        ),
        ("webhook", {"path": "@evil.example/"}, "cannot follow an address"),
        ("webhook", {"path": "/{{ title }}"}, "cannot follow an address"),
        ("webhook", {"path": "/{{ titel }}"}, "'titel' is undefined"),
        ("webhook", {"method": "GET"}, '"GET" is not one of POST, PUT, PATCH, DELETE'),
        ("webhook", {"template": MISSING, "path": MISSING}, "needs a template"),
    ],
)
def test_an_impossible_value_of_a_key_is_refused_with_what_to_write(
    kind: str, keys: dict[str, object], words: str
) -> None:
    channels.options()[kind].model_validate(VALID[kind])
    values = {name: value for name, value in {**VALID[kind], **keys}.items() if value is not MISSING}
    with pytest.raises(ValueError, match=words):
        channels.options()[kind].model_validate(values)


def test_a_discord_channels_link_is_as_good_as_its_id_and_a_server_of_ones_own_has_any_pace() -> None:
    link = "https://discord.com/channels/111111111111111111/123456789012345678"
    options = channels.options()["discord"].model_validate({"to": link, "token": "env:T"})
    assert options.model_dump()["to"] == "123456789012345678"
    keys = {"pace": "0 seconds", "api_url": "http://127.0.0.1:1/api"}
    channels.options()["slack"].model_validate({**VALID["slack"], **keys})


def test_apprise_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"url": "env:APPRISE_URL"}
    channels.options()["apprise"].model_validate(values)
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValueError, match="the package that sends through Apprise is not installed"):
        channels.options()["apprise"].model_validate(values)
