"""Each fuzzing target holds over its own seeds and some hundred inputs; ``make fuzz`` goes on for ten minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.running import run
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_what_reads_bytes_of_strangers_keeps_its_promises(name: str, tmp_path: Path) -> None:
    outcome = run(name, TARGETS[name], seconds=10, seed=1, kept=tmp_path, most=60)
    assert not outcome.broken
    assert not list(tmp_path.glob("*.current"))
