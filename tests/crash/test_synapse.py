"""A story in a room of a real Synapse, with the bot killed before and after it takes a message."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.crash import journey as journeys
from tests.crash.test_chats import kill_at
from tests.testbed.servers import faulty, synapse


@pytest.mark.long
@pytest.mark.timeout(900)  # Synapse may be installed first
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [0, 1, 3])
async def test_a_kill_at_any_message_loses_and_doubles_nothing_in_a_real_room(
    synapse_server: synapse.Server, number: int, when: str, tmp_path: Path
) -> None:
    name = f"crash-{number}-{when}"
    place = synapse_server.make_room(name)
    with faulty.serve(synapse.Relay(synapse_server)) as relay:
        keys = {"kind": "matrix", "server": relay.url, "room": f"#{name}:wirewatch.test", "token": "env:A"}
        secrets = {"A": synapse_server.token}
        async with journeys.journey(tmp_path, {**keys, "pace": "0.02 seconds"}, secrets) as journey:
            kill_at(relay, journey, number, when)
            await journey.tell()
            assert -signal.SIGKILL in journey.codes
    shown = synapse_server.read(place)
    posted = [content for content in shown if content.get("m.relates_to", {}).get("rel_type") != "m.replace"]
    assert len(posted) == 3, "a message and two replies, each once"
    assert len(shown) > len(posted), "and an edit"
