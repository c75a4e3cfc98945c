"""The real ``wirewatch once`` over each chat, killed with SIGKILL before and after each request that it makes, and with
an answer lost: nothing is lost, and nothing doubled where the chat gives a way to know."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.servers import discord, faulty, matrix, mattermost, teams, telegram
from tests.crash import journey as journeys

World = tuple[faulty.Server[Any], journeys.Journey]
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
FAST = {"pace": "0.02 seconds"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A kind and mode of channel, and its strict server."""

    name: str
    service: Callable[[], faulty.Service]
    #: The server's address -> the channel in bot.yaml, and the environment of its secrets.
    at: Callable[[str], tuple[Mapping[str, str], Mapping[str, str]]]
    #: All messages that stand there, as texts, in order.
    messages: Callable[[Any], list[str]]
    #: What is asked for in the journey, in order.
    steps: tuple[str, ...]
    #: Whether a repetition can be seen.
    doubles_nothing: bool


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    return [json.dumps(message, ensure_ascii=False).replace("\\\\", "") for message in messages]


def _homeserver() -> matrix.Homeserver:
    server = matrix.Homeserver()
    server.add_room("news")
    return server


def _mattermost() -> mattermost.Mattermost:
    server = mattermost.Mattermost()
    server.add_channel("news")
    return server


CHATS = (
    Chat(
        name="discord",
        service=discord.Guild,
        at=lambda url: (
            {"kind": "discord", "to": discord.NEWS, "token": "env:A", "api_url": f"{url}/api/v10", **FAST},
            {"A": discord.TOKEN},
        ),
        messages=lambda guild: _texts(guild.everything()),
        steps=("post", "start a thread", "post", "edit", "start a thread", "post", "edit"),
        doubles_nothing=True,
    ),
    Chat(
        name="discord webhook",
        service=discord.Guild,
        at=lambda url: (
            {"kind": "discord", "webhook": "env:A", "api_url": url, **FAST},
            {"A": f"{url}/api/webhooks/400000000000000001/hook-key"},
        ),
        messages=lambda guild: _texts(guild.everything()),
        steps=("post", "post", "edit", "post", "edit"),
        doubles_nothing=False,
    ),
    Chat(
        name="telegram",
        service=telegram.BotApi,
        at=lambda url: (
            {"kind": "telegram", "to": str(telegram.NEWS), "token": "env:A", "api_url": url, **FAST},
            {"A": telegram.TOKEN},
        ),
        messages=lambda api: [message["text"] for message in api.messages()],
        steps=("post", "post", "edit", "post", "edit"),
        doubles_nothing=False,
    ),
    Chat(
        name="mattermost",
        service=_mattermost,
        at=lambda url: (
            {
                "kind": "mattermost",
                "server": url,
                "team": mattermost.TEAM,
                "to": "news",
                "token": "env:A",
                **FAST,
            },
            {"A": mattermost.TOKEN},
        ),
        messages=lambda server: _texts(server.posts("news")),
        steps=("post", "post", "edit", "post", "edit"),
        doubles_nothing=True,
    ),
    Chat(
        name="matrix",
        service=_homeserver,
        at=lambda url: (
            {"kind": "matrix", "server": url, "room": "#news:wirewatch.test", "token": "env:A", **FAST},
            {"A": matrix.TOKEN},
        ),
        messages=lambda homeserver: _texts(homeserver.messages("news")),
        steps=("post", "post", "edit", "post", "edit"),
        doubles_nothing=True,
    ),
    Chat(
        name="teams",
        service=teams.Workflow,
        at=lambda url: (
            {"kind": "teams", "webhook": "env:A", **FAST},
            {"A": f"{url}{teams.PATH}?sig={teams.SIGNATURE}"},
        ),
        messages=lambda workflow: [teams.text(card) for card in workflow.cards],
        steps=("post", "post", "post"),
        doubles_nothing=False,
    ),
)


def kill_at(server: faulty.Server[Any], journey: journeys.Journey, number: int, when: str) -> None:
    """At the ``number``th message that is sent, before or after it is taken."""
    seen = Counter[str]()

    def at(doing: str, moment: str) -> bool:
        if doing not in server.service.SENDS:
            return False
        seen[moment] += 1
        if moment != when or seen[moment] != number + 1:
            return False
        journey.kill()
        return True

    server.at = at


@asynccontextmanager
async def world_of(chat: Chat, folder: Path) -> AsyncIterator[World]:
    with faulty.serve(chat.service()) as server:
        keys, secrets = chat.at(server.url)
        async with journeys.journey(folder, keys, secrets) as journey:
            yield server, journey


@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: str(chat.name))
async def test_the_story_is_told_once(chat: Chat, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        await journey.tell()
        messages = chat.messages(server.service)
        sent = tuple(doing for doing, _ in server.requests if doing in server.service.SENDS)
        assert sent == chat.steps
        assert len(messages) == sent.count("post")
        assert journeys.NAME in messages[0]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("chat", "number"),
    [
        pytest.param(chat, number, id=f"{chat.name} {number}")
        for chat in CHATS
        for number, step in enumerate(chat.steps)
        # A reply is the second post; what follows repeats these steps.
        if step not in chat.steps[:number] or (step == "post" and chat.steps[:number].count(step) == 1)
    ],
)
async def test_a_kill_at_any_request_loses_nothing(chat: Chat, number: int, when: str, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        kill_at(server, journey, number, when)
        await journey.tell()
        assert -signal.SIGKILL in journey.codes
        _judge(chat, server)


#: What a service may have taken in and what it asks to wait for is in make test-long; the rest in make test-slow.
_FAULTS = [
    pytest.param(fault, marks=() if fault == "429" or fault.endswith("_after") else pytest.mark.slow)
    for fault in faulty.FAULTS
]


@pytest.mark.parametrize("fault", _FAULTS)
@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: str(chat.name))
async def test_a_fault_at_any_request_loses_nothing(chat: Chat, fault: str, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        server.hang_seconds = 1
        for doing in server.service.SENDS:
            server.fail(doing, fault)
        await journey.tell()
        _judge(chat, server)


def _judge(chat: Chat, server: faulty.Server[Any]) -> None:
    messages, expected = chat.messages(server.service), chat.steps.count("post")
    assert len(messages) >= expected, "nothing is lost"
    assert len(messages) <= expected + (not chat.doubles_nothing), messages
