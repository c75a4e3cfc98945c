"""The live configuration of a running bot, for tests of its parts."""

from __future__ import annotations

from pathlib import Path

from bot import app
from bot.app.wiring import Live
from bot.pipeline.snapshot import Snapshot
from tests.testbed.fakes import START

_CONFIG = Path(__file__).parents[2] / "config"


def live_over(snapshot: Snapshot) -> Live:
    """Return a live configuration with this snapshot, without channels."""
    return Live(settings=app.load(_CONFIG, {}), snapshot=snapshot, channels={}, loaded_at=START)
