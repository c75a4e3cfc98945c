"""wirewatch backup and wirewatch database move, as an operator types them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from bot import storage
from bot.cli import init
from tests.testbed import made
from tests.testbed.commands import call
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.postgres import Server


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with a configuration and a database of two articles."""
    init.copy_starter(tmp_path / "config")
    (tmp_path / "config" / "data").mkdir()
    store = storage.open_store(f"sqlite:///{tmp_path}/config/data/wirewatch.db", clock=FakeClock())
    with store._writer.begin() as connection:  # type: ignore[union-attr]  # opened for writing
        storage.Transaction(connection).articles.add([made.article("one"), made.article("two")])
    store.close_now()
    return tmp_path


def articles(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM articles").fetchone()[0])


def test_a_backup_beside_a_running_bot_is_one_whole_file_and_in_a_folder_the_oldest_go(
    kept: Path,
) -> None:
    copies = kept / "copies"
    owner = storage.open_store(f"sqlite:///{kept}/config/data/wirewatch.db", clock=FakeClock())
    try:
        done = call("backup", "copies/monday.db", folder=kept)
    finally:
        owner.close_now()
    assert "Copied to copies/monday.db" in done.stderr
    assert [file.name for file in copies.iterdir()] == ["monday.db"]
    assert articles(copies / "monday.db") == 2

    for name in ("wirewatch-20150101T000000Z.db", "wirewatch-20150102T000000Z.db"):
        (copies / name).touch()
    call("backup", "copies", "--keep", "2", folder=kept)
    monday, old, new = sorted(copies.iterdir())
    assert (monday.name, old.name) == ("monday.db", "wirewatch-20150102T000000Z.db")
    assert articles(new) == 2
    assert "monday.db is not a folder" in call("backup", "monday.db", "--keep", "2", folder=kept, code=2).stderr


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("postgresql://me:hunter2@db/x", "env:DATABASE_URL"),
        ("mysql://db/x", "postgresql://user@host"),
        ("sqlite:///other.db", "only from an SQLite file to PostgreSQL"),
        ("env:NOT_SET", "NOT_SET is not set"),
    ],
)
def test_a_move_to_what_it_cannot_use_says_what_to_write_and_no_password(address: str, advice: str, kept: Path) -> None:
    done = call("database", "move", address, folder=kept, code=2)
    assert advice in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert articles(kept / "config" / "data" / "wirewatch.db") == 2


@pytest.mark.postgres
def test_a_move_is_counted_and_one_process_runs_on_the_new_database(kept: Path, postgres_server: Server) -> None:
    address = postgres_server.new_database()
    done = call("database", "move", "env:DATABASE_URL", "--json", folder=kept, DATABASE_URL=address)
    assert json.loads(done.stdout)["articles"] == 2
    assert done.stderr.count("articles: 2 rows") == 1
    bot = (kept / "config" / "bot.yaml").read_text()
    (kept / "config" / "bot.yaml").write_text(
        bot.replace("database: sqlite:///data/wirewatch.db", "database: env:DATABASE_URL")
    )
    (kept / "config" / "feeds.yaml").write_text("feeds: []\n")
    call("once", "--now", folder=kept, DATABASE_URL=address)
    status = call("status", "--json", folder=kept, DATABASE_URL=address)
    assert json.loads(status.stdout)["articles"] == 2
