"""SIGKILL at any moment leaves whole transactions, all that were reported, and no lock."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot import model, storage
from testbed.fakes import FakeClock
from testbed.made import article


@pytest.mark.parametrize("rounds", [2, pytest.param(5, marks=pytest.mark.long)])
async def test_a_killed_writer_leaves_whole_transactions(rounds: int, tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    rng = random.Random(7)
    for _ in range(rounds):
        reported = _write_and_kill(address, rng.uniform(0.02, 0.25))
        store = storage.open_store(address, clock=FakeClock())
        try:
            count = await store.read(lambda tx: tx.articles.count())
            last = await store.read(lambda tx: tx.key_values.get("last"))
            told = await store.read(lambda tx: tx.stories.since(None))
            waiting = await store.read(lambda tx: tx.outbox.counts())
        finally:
            await store.close()
        assert count >= reported
        assert last == str(count - 1)
        assert {item.members[0].article.id for item in told} == {article(str(n)).id for n in range(count)}
        assert waiting == {("desk", model.SendState.PENDING): count}
    assert count > 0


def _write_and_kill(address: str, seconds: float) -> int:
    """How many transactions the writer said it had committed."""
    command = [sys.executable, "-m", "tests.storage.writer", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        lines = [first, *writer.stdout.readlines()]
    # The last line may be cut.
    whole = [line for line in lines if line.endswith("\n")]
    return int(whole[-1].split()[0]) + 1
