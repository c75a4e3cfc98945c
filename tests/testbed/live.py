"""The live configuration of a running bot, for tests of its parts."""

from __future__ import annotations

from pathlib import Path

from bot.app.wiring import Live
from bot.config.settings import Settings
from tests.testbed.fakes import START

_CONFIG = Path(__file__).parents[2] / "config"


def live_over(settings: Settings) -> Live:
    """Return a live configuration with these settings, without channels."""
    return Live(settings=settings, channels={}, loaded_at=START)
