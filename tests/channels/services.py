"""Each chat service: a strict local server of it, its channel there, and what its readers see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels import discord as channels_discord
from bot.channels import mattermost as channels_mattermost
from bot.channels import teams as channels_teams
from bot.channels import telegram as channels_telegram
from bot.channels.kit import errors
from bot.channels.slack import channel as channels_slack
from bot.durations import Clock
from bot.model.channels import Channel
from bot.model.messages import Receipt
from bot.testing import hostile
from tests.channels.context import Secrets, build, objects
from tests.testbed.fakes import MemoryKeyValues
from tests.testbed.servers import (
    discord,
    faulty,
    mattermost,
    slack,
    teams,
    telegram,
)
from tests.testbed.servers.faulty import Answer

SLACK_HOOK_KEY, DISCORD_HOOK_KEY = "T1/B1/key", "400000000000000001/hook-key"
#: Before any message.
BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the service's readers see it; ``thread``: the reference of the message that it replies to."""

    text: str
    edits: int = 0
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    kind: str
    serve: Callable[[], AbstractContextManager[Any]]
    #: The channel's keys in bot.yaml; its secret is env:A.
    keys: Callable[[Any], dict[str, Any]]
    secret: Callable[[Any], str]
    shown: Callable[[Any], list[Shown]]
    #: The service's codes, what the channel does about each, and the server's answer with a code.
    codes: Mapping[Any, tuple[errors.Act, str]]
    refusal: Callable[[Any, errors.Act], str | Answer]
    #: The wait that a 429 of the server names.
    wait_seconds: float
    post: str = "post"
    #: Words that the service would read as a mention, and what it found in the messages that it took.
    mentions: str
    notified: Callable[[Any], list[Any]]
    threads: bool = True
    looks: bool = True
    #: How the channel is reached, where the kind has two ways.
    mode: str = ""
    #: The keys that add buttons.
    buttons: Mapping[str, Any] = field(default_factory=dict)
    #: Deletes the only message on the server.
    delete: Callable[[Any, Receipt], object] | None = None
    #: Sets the number of messages that the service gives at once, where its server has such a setting.
    shorten_pages: Callable[[Any], None] = lambda server: None

    def __str__(self) -> str:
        return f"{self.kind} {self.mode}".strip()

    def channel(
        self,
        server: Any,
        secret: str | None = None,
        *,
        key_values: MemoryKeyValues | None = None,
        clock: Clock | None = None,
        **changes: object,
    ) -> Channel:
        """Build the channel with ``changes`` of its keys in bot.yaml."""
        secrets = Secrets(A=self.secret(server) if secret is None else secret)
        keys: dict[str, Any] = {"pace": "0 seconds", **self.keys(server), **changes}
        return build(self.kind, secrets=secrets, key_values=key_values, clock=clock, **keys)

    def posts(self, server: Any) -> int:
        """Return how many requests to post a message the server got."""
        return sum(request[0] == self.post for request in server.requests)


def server_of(service: Service) -> Any:
    """Return a fixture: a server of the service."""

    @pytest.fixture
    def server() -> Iterator[Any]:
        with service.serve() as running:
            yield running

    return server


@contextmanager
def _serve_slack() -> Iterator[slack.Server]:
    with slack.serve() as server:
        server.workspace.add_channel("general")
        server.workspace.hooks[SLACK_HOOK_KEY] = server.workspace.add_channel("policy-alerts").id
        yield server


@contextmanager
def _serve_mattermost() -> Iterator[faulty.Server[mattermost.Mattermost]]:
    with faulty.serve(mattermost.Mattermost()) as server:
        server.service.add_channel("policy-alerts")
        yield server


def _shown_on_discord(server: faulty.Server[discord.Guild]) -> list[Shown]:
    return [
        Shown(
            message["content"] + "".join(embed["description"] for embed in message["embeds"]),
            message["edits"],
            "" if message["channel_id"] == server.service.news else message["channel_id"],
        )
        for message in server.service.everything()
    ]


def _notified_on_slack(server: slack.Server) -> list[Any]:
    """Return what notifies somebody, and everything that Slack would read as markup of a mention or a link."""
    kinds = ("user", "usergroup", "broadcast")
    shown = server.workspace.messages("policy-alerts")
    parts = [part for message in shown for part in objects(message.get("blocks", []))]
    marked = [message["text"] for message in shown] + [part["text"] for part in parts if part.get("type") == "mrkdwn"]
    return [part for part in parts if part.get("type") in kinds] + re.findall("<[^>]*>", "\n".join(marked))


def _mattermost_status(act: errors.Act) -> int:
    return 401 if act is errors.Act.PARK_WORKSPACE else 500 if act is errors.Act.LOOK else 400


SLACK = Service(
    kind="slack",
    serve=_serve_slack,
    keys=lambda server: {"to": "#policy-alerts", "token": "env:A", "api_url": server.api_url},
    secret=lambda server: slack.TOKEN,
    shown=lambda server: [
        Shown(str(message.get("blocks")), message["edits"], message.get("thread_ts", ""))
        for message in server.workspace.messages("policy-alerts")
    ],
    codes=channels_slack.ERRORS,
    refusal=lambda code, act: str(code),
    wait_seconds=1,
    mentions=" ".join(hostile.PINGS),
    notified=_notified_on_slack,
    shorten_pages=lambda server: setattr(server.workspace, "page", 30),
    post="chat.postMessage",
    buttons={"buttons": True, "app_token": "env:A"},
)
DISCORD = Service(
    kind="discord",
    serve=lambda: faulty.serve(discord.Guild()),
    keys=lambda server: {"to": server.service.news, "token": "env:A", "api_url": f"{server.url}/api/v10"},
    secret=lambda server: discord.TOKEN,
    shown=_shown_on_discord,
    codes={code: (act, advice) for code, (act, _, advice) in channels_discord.ERRORS.items()},
    refusal=lambda code, act: Answer(400, {"message": "…", "code": code}),
    wait_seconds=1.5,
    delete=lambda server, head: server.service.channels[server.service.news].messages.clear(),
    mentions="@everyone <@123456789012345678>",
    notified=lambda server: server.service.pinged,
)
SLACK_HOOK = replace(
    SLACK,
    mode="webhook",
    keys=lambda server: {"webhook": "env:A", "pace": "1 second"},
    secret=lambda server: f"{server.url}/services/{SLACK_HOOK_KEY}",
    codes={
        code: channels_slack.ERRORS[code]
        for code in ("invalid_payload", "no_service", "channel_is_archived", "action_prohibited")
    },
    post=SLACK_HOOK_KEY,
    threads=False,
    looks=False,
    buttons={},
)
DISCORD_HOOK = replace(
    DISCORD,
    mode="webhook",
    keys=lambda server: {"webhook": "env:A", "api_url": server.url},
    secret=lambda server: f"{server.url}/api/webhooks/{DISCORD_HOOK_KEY}",
    codes={},
    threads=False,
    looks=False,
    delete=None,
)
TELEGRAM = Service(
    kind="telegram",
    serve=lambda: faulty.serve(telegram.BotApi()),
    keys=lambda server: {"to": str(telegram.NEWS), "token": "env:A", "api_url": server.url},
    secret=lambda server: telegram.TOKEN,
    shown=lambda server: [
        Shown(message["text"], message["edits"], str(message["reply"] or "")) for message in server.service.messages()
    ],
    codes=channels_telegram.ERRORS,
    refusal=lambda code, act: telegram.Refused(400, f"Bad Request: {code}").answer,
    wait_seconds=7,
    delete=lambda server, head: server.service.chats[telegram.NEWS].messages.clear(),
    # The last slash and the first figure of two pieces that follow each other are a command, too.
    mentions="0: @everyone @alice_b hello@bob_c /ban now:/start (/leave) 0:/",
    notified=lambda server: server.service.pinged + server.service.commands,
    looks=False,
    buttons={"buttons": True},
)
TEAMS = Service(
    kind="teams",
    serve=lambda: faulty.serve(teams.Workflow()),
    keys=lambda server: {"webhook": "env:A"},
    secret=lambda server: f"{server.url}{teams.PATH}?api-version=1&sv=1.0&sig={teams.SIGNATURE}",
    shown=lambda server: [Shown(teams.text(card)) for card in server.service.cards],
    codes=channels_teams.ERRORS,
    refusal=lambda code, act: teams.Refused(400, code, "…").answer,
    wait_seconds=3,
    mentions="<at>Everyone</at> @channel",
    notified=lambda server: [card for card in server.service.cards if "entities" in card["msteams"]],
    threads=False,
    looks=False,
)
MATTERMOST = Service(
    kind="mattermost",
    serve=_serve_mattermost,
    keys=lambda server: {
        "server": server.url,
        "team": mattermost.TEAM,
        "to": "policy-alerts",
        "token": "env:A",
    },
    secret=lambda server: mattermost.TOKEN,
    shown=lambda server: [
        Shown(post["message"], post["edits"], post["root_id"]) for post in server.service.posts("policy-alerts")
    ],
    codes=channels_mattermost.ERRORS,
    delete=lambda server, head: server.service.channels[head.place].posts[0].update(delete_at=1),
    refusal=lambda code, act: mattermost.Refused(_mattermost_status(act), code).answer,
    wait_seconds=2,
    mentions="@all @here @channel @policy-desk (@all) @all. :@here: \uff20all <@all> &commat;all",
    notified=lambda server: server.service.pinged,
)
SERVICES = (SLACK, SLACK_HOOK, DISCORD, DISCORD_HOOK, TELEGRAM, TEAMS, MATTERMOST)
