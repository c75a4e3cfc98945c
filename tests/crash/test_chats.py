"""The real ``wirewatch once`` over each chat, killed with SIGKILL before and after each request that it makes, and with
an answer lost: nothing is lost, and nothing doubled where the chat gives a way to know."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.channels import services
from tests.channels.services import Service
from tests.crash import journey as journeys
from tests.testbed.servers import faulty

World = tuple[faulty.Server[Any], journeys.Journey]
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A chat service, and the requests of the journey to it."""

    service: Service
    #: The kinds of the requests that send something, in order.
    steps: tuple[str, ...]
    #: Whether a repetition can be seen.
    doubles_nothing: bool


EDITED = ("post", "post", "edit", "post", "edit")
THREADS = ("post", "start a thread", "post", "edit", "start a thread", "post", "edit")
CHATS = (
    Chat(service=services.DISCORD, steps=THREADS, doubles_nothing=True),
    Chat(service=services.DISCORD_HOOK, steps=EDITED, doubles_nothing=False),
    Chat(service=services.TELEGRAM, steps=EDITED, doubles_nothing=False),
    Chat(service=services.MATTERMOST, steps=EDITED, doubles_nothing=True),
    Chat(service=services.TEAMS, steps=("post", "post", "post"), doubles_nothing=False),
)


def kill_at_each_step(server: faulty.Server[Any], journey: journeys.Journey, when: str) -> Counter[str]:
    """Kill it before or after each kind of message is taken, once. Return the number of kills by kind.

    Posts are met twice, because the second is a reply.
    """
    killed = Counter[str]()
    met = set[tuple[str, bytes]]()

    def at(doing: str, moment: str) -> bool:
        step = doing, server.requests[-1][1].raw
        is_met = step in met or killed[doing] == (2 if doing == "post" else 1)
        if doing not in server.service.SENDS or moment != when or is_met:
            return False
        met.add(step)
        killed[doing] += 1
        journey.kill()
        return True

    server.at = at
    return killed


@asynccontextmanager
async def world_of(chat: Chat, folder: Path) -> AsyncIterator[World]:
    with chat.service.serve() as server:
        keys = {"kind": chat.service.kind, "pace": "0.02 seconds", **chat.service.keys(server)}
        async with journeys.journey(folder, keys, {"A": chat.service.secret(server)}) as journey:
            yield server, journey


@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: str(chat.service))
async def test_a_story_is_posted_once(chat: Chat, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        await journey.run_to_its_end()
        messages = chat.service.shown(server)
        sent = tuple(doing for doing, _ in server.requests if doing in server.service.SENDS)
        assert sent == chat.steps
        assert len(messages) == sent.count("post")
        assert journeys.NAME in messages[0].text.replace("\\", "")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: str(chat.service))
async def test_a_kill_at_any_request_loses_nothing(chat: Chat, when: str, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        killed = kill_at_each_step(server, journey, when)
        await journey.run_to_its_end()
        assert killed.keys() == set(chat.steps)
        assert killed["post"] == 2
        assert journey.codes.count(-signal.SIGKILL) == killed.total()
        _judge(chat, server, doubles=2 if when == "after" else 0)


@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: str(chat.service))
async def test_a_refusal_and_a_lost_answer_at_any_request_lose_nothing(chat: Chat, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        for doing in server.service.SENDS:
            server.fail(doing, "429")
            server.fail(doing, "reset_after")
        await journey.run_to_its_end()
        assert server.faults["429"] == server.faults["reset_after"] == len(set(chat.steps))
        _judge(chat, server, doubles=1)


def _judge(chat: Chat, server: faulty.Server[Any], *, doubles: int) -> None:
    """``doubles``: how many posts were taken without the bot knowing it."""
    messages, expected = chat.service.shown(server), chat.steps.count("post")
    assert len(messages) >= expected, "nothing is lost"
    assert len(messages) <= expected + (0 if chat.doubles_nothing else doubles), messages
