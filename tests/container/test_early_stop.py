"""A stop that comes before the bot has begun is a clean one: containers are stopped when they please."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def handles_sigterm(process: int) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see when a signal is handled")
def test_a_sigterm_during_the_imports_ends_it_with_exit_code_0(tmp_path: Path) -> None:
    bot = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 20
    while not handles_sigterm(bot.pid):
        assert time.monotonic() < until
        time.sleep(0.002)
    bot.terminate()
    _, said = bot.communicate(timeout=300)
    # Without a stop it would find no configuration here and end with 2.
    assert (bot.returncode, said) == (0, "")
