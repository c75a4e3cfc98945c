"""The contract of every channel, its keys, and its row in docs/channels.md; a new kind is found automatically.

A kind that uses HTTP gets the address of a server that answers each status; see ``HTTP_KINDS``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import channels
from bot.durations import format_duration
from bot.model.errors import OutcomeUnknown
from bot.testing import channels as contract
from bot.testing import hostile
from bot.testing.channels import SECRET, HttpChannel
from tests.channels.services import SERVICES

# Apprise asks for a module that Python 3.11 and 3.12 are about to lose.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def subject_of(kind: str, keys: dict[str, str], *, a: str = SECRET, **more: Any) -> HttpChannel:
    """Return a kind with its keys and its secret env:A; the server's address replaces AT in them."""

    def at(address: str) -> tuple[dict[str, object], dict[str, str]]:
        secrets = {"A": a.replace("AT", address), "B": SECRET}
        return {name: value.replace("AT", address) for name, value in keys.items()}, secrets

    return HttpChannel(kind=kind, at=at, **more)


#: A kind that is absent speaks no HTTP.
HTTP_KINDS = [
    subject_of("slack", {"to": "C0123ABCDE", "token": "env:A", "api_url": "http://AT/api/"}, a=f"xoxb-{SECRET}"),
    subject_of("slack", {"webhook": "env:A"}, a=f"http://AT/services/{SECRET}"),
    subject_of("webhook", {"url": "env:A", "secret": "env:B"}, a=f"http://AT/hooks/{SECRET}"),
    subject_of("discord", {"to": "123456789012345678", "token": "env:A", "api_url": "http://AT/api/v10"}),
    subject_of("discord", {"webhook": "env:A"}, a=f"http://AT/api/webhooks/400000000000000001/{SECRET}"),
    subject_of("telegram", {"to": "-1001234567890", "token": "env:A", "api_url": "http://AT"}),
    subject_of("teams", {"webhook": "env:A"}, a=f"http://AT/workflows/{SECRET}?sig={SECRET}"),
    subject_of("mattermost", {"server": "http://AT", "to": "c" * 26, "token": "env:A"}),
    subject_of(
        "apprise",
        {"url": "env:A"},
        a=f"json://user:{SECRET}@AT/?retry=0",
        markup=lambda body: iter((body["title"], body["message"])),
        of_no_server=OutcomeUnknown,
    ),
]
CONSOLE = subject_of("console", {})
EMAIL = subject_of(
    "email",
    {
        "to": "desk@example.org",
        "sender": "desk@example.org",
        "server": "AT",
        "username": "desk",
        "password": "env:A",
    },
)
_HOSTILE = contract.what_a_feed_says_is_bounded_text_that_pings_nobody
#: Hostile messages go to a strict server of each of these kinds (tests/channels/test_services.py).
_STRICT_KINDS = {service.kind for service in SERVICES}
_PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()


_CASES = [
    *(
        (subject, check)
        for subject in HTTP_KINDS
        for check in contract.CHECKS
        if not (check is _HOSTILE and subject.kind in _STRICT_KINDS)
    ),
    (EMAIL, contract.options_are_documented_and_strict),
    (EMAIL, contract.no_server_is_not_accepted_and_shows_no_secret),
    (EMAIL, contract.a_missing_secret_parks_and_names_only_where_it_is_kept),
    (EMAIL, contract.the_abilities_declare_missing_lookups),
]


@pytest.mark.parametrize(
    ("subject", "check"),
    _CASES,
    ids=[f"{' '.join((subject.kind, *subject.at('')[0]))} {check.__name__}" for subject, check in _CASES],
)
def test_a_channel_keeps_the_contract(subject: HttpChannel, check: contract.Check) -> None:
    check(subject)


def test_the_console_keeps_the_local_contract_in_80_columns_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for check in contract.LOCAL_CHECKS:
        check(CONSOLE)
    out = capsys.readouterr().out
    assert "BlackBerry to leave Pakistan" in out
    assert not hostile.CONTROL & set(out)
    assert max(len(line) for line in out.splitlines() if "http" not in line) <= 80


def test_the_abilities_of_each_kind_under_this_contract_are_those_of_the_table_in_the_docs() -> None:
    rows = {
        (kind, mode == "webhook"): written
        for kind, mode, *written in re.findall(
            r"^\| (\w+)(?:, by (bot token|webhook))? \|" + r" (yes|no) \|" * 3 + r" (.+) \|$", _PAGE, re.MULTILINE
        )
    }
    assert {kind for kind, _ in rows} == set(channels.kinds().built_in.by_name)
    for subject in (*HTTP_KINDS, CONSOLE, EMAIL):
        keys, secrets = subject.at("127.0.0.1:9")
        abilities = contract.build(subject.kind, keys, secrets).abilities
        claims = (abilities.threads, abilities.edits, abilities.lookup)
        lasts = f"for {format_duration(abilities.idempotent)}" if abilities.idempotent else "no"
        has_two_ways = subject.kind in ("slack", "discord")
        written = rows.pop((subject.kind, has_two_ways and "webhook" in keys))
        assert written == [*("yes" if claim else "no" for claim in claims), lasts], subject.kind
    assert not rows, "a kind is not under this contract"


# -- a value of a key that cannot be meant is refused in words that say what to write


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
