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


def kill_at(server: faulty.Server[Any], journey: journeys.Journey, number: int, when: str) -> None:
    """At the ``number``th message that is sent, before or after it is taken."""
    counts = Counter[str]()

    def at(doing: str, moment: str) -> bool:
        if doing not in server.service.SENDS:
            return False
        counts[moment] += 1
        if moment != when or counts[moment] != number + 1:
            return False
        journey.kill()
        return True

    server.at = at


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
@pytest.mark.parametrize(
    ("chat", "number"),
    [
        pytest.param(chat, number, id=f"{chat.service} {number}")
        for chat in CHATS
        for number, step in enumerate(chat.steps)
        # A reply is the second post; what follows repeats these steps.
        if step not in chat.steps[:number] or (step == "post" and chat.steps[:number].count(step) == 1)
    ],
)
async def test_a_kill_at_any_request_loses_nothing(chat: Chat, number: int, when: str, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        kill_at(server, journey, number, when)
        await journey.run_to_its_end()
        assert -signal.SIGKILL in journey.codes
        _judge(chat, server)


#: Faults after which a service may have the message, and waits, are in make test-long; the others in make test-slow.
_FAULTS = [
    pytest.param(fault, marks=() if fault == "429" or fault.endswith("_after") else pytest.mark.slow)
    for fault in faulty.FAULTS
]


@pytest.mark.parametrize("fault", _FAULTS)
@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: str(chat.service))
async def test_a_fault_at_any_request_loses_nothing(chat: Chat, fault: str, tmp_path: Path) -> None:
    async with world_of(chat, tmp_path) as (server, journey):
        server.hang_seconds = 1
        for doing in server.service.SENDS:
            server.fail(doing, fault)
        await journey.run_to_its_end()
        _judge(chat, server)


def _judge(chat: Chat, server: faulty.Server[Any]) -> None:
    messages, expected = chat.service.shown(server), chat.steps.count("post")
    assert len(messages) >= expected, "nothing is lost"
    assert len(messages) <= expected + (not chat.doubles_nothing), messages
