"""Opening, owning and failing: what goes wrong is said with what to do."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from structlog.testing import capture_logs

from bot import storage
from bot.model.errors import ConfigError, StoreInUse, StoreUnavailable
from bot.storage import opening, schema
from tests.testbed.fakes import FakeClock
from tests.testbed.made import article
from tests.testbed.servers.postgres import Server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "store.db"


@pytest.fixture
async def owned(file: Path) -> AsyncIterator[storage.Store]:
    store = storage.open_store(f"sqlite:///{file}", clock=FakeClock(), process_name="wirewatch run")
    yield store
    await store.close()


def open_again(file: Path, *, read_only: bool = False) -> storage.Store:
    return storage.open_store(f"sqlite:///{file}", clock=FakeClock(), read_only=read_only)


# -- the owner


async def test_a_second_owner_gets_an_error_that_names_the_first_also_by_another_name_of_the_folder(
    owned: storage.Store, file: Path
) -> None:
    link = file.parent.with_name("other-name")
    link.symlink_to(file.parent)
    for path in (file, link / file.name):
        with pytest.raises(StoreInUse, match=rf"in use by wirewatch run \(process {os.getpid()}\)"):
            open_again(path)


async def test_a_database_file_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / "a b#c é" / "store.db"
    store = open_again(file)
    await store.write(lambda tx: tx.key_values.put("k", "v"))
    assert await store.read(lambda tx: tx.key_values.get("k")) == "v"
    await store.close()
    assert file.is_file()
    storage.backup(f"sqlite:///{file}", tmp_path / "copy.db")


async def test_a_reader_needs_no_lock_sees_what_is_committed_and_cannot_write(owned: storage.Store, file: Path) -> None:
    await owned.write(lambda tx: tx.key_values.put("k", "v"))
    reader = open_again(file, read_only=True)
    assert await reader.read(lambda tx: tx.key_values.get("k")) == "v"
    with pytest.raises(StoreUnavailable, match="reading only"):
        await reader.write(lambda tx: tx.key_values.put("k", "w"))
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await owned.read(lambda tx: tx.key_values.put("k", "w"))
    await reader.close()


async def test_a_long_read_does_not_block_a_write(owned: storage.Store) -> None:
    await owned.write(lambda tx: tx.articles.add([article(str(n), minutes=n) for n in range(500)]))
    begun, go_on = threading.Event(), threading.Event()

    def read(tx: storage.Transaction) -> int:
        archive = tx.articles.archive(since=article("0").first_seen)
        next(archive)
        begun.set()
        assert go_on.wait(10)
        return 1 + sum(1 for _ in archive)

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(owned.read(read))
        await asyncio.to_thread(begun.wait, 10)
        await owned.write(lambda tx: tx.articles.add([article("late", minutes=999)]))
        go_on.set()
    assert reading.result() == 500, "one moment's view"


# -- transactions


async def test_work_that_raises_changes_nothing(store: storage.Store) -> None:
    def work(tx: storage.Transaction) -> None:
        tx.articles.add([article("one")])
        raise LookupError("our own")

    with pytest.raises(LookupError):
        await store.write(work)
    assert await store.read(lambda tx: tx.articles.count()) == 0


async def test_a_time_without_zone_is_refused(store: storage.Store) -> None:
    naive = article("one").first_seen.replace(tzinfo=None)
    with pytest.raises(Exception, match="no time zone"):
        await store.read(lambda tx: tx.articles.count(since=naive))


# -- addresses


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://h/d", "'mysql' is not supported; write sqlite:///"),
        ("nonsense", "not an address; write sqlite:///"),
        ("sqlite://data/x.db", "an SQLite address has no host"),
        ("postgresql://bot@127.0.0.1:1/db", "no connection; check that the server runs"),
    ],
)
def test_the_error_about_an_address_that_cannot_be_used_says_what_to_do(address: str, says: str) -> None:
    with pytest.raises((ConfigError, StoreUnavailable), match=says):
        storage.open_store(address, clock=FakeClock())


@pytest.mark.postgres
def test_no_text_holds_the_password(postgres_server: Server) -> None:
    address = f"postgresql://nobody:s3cret@/gone?host={postgres_server.folder}&password=s3cret2"
    with pytest.raises(StoreUnavailable) as caught:
        storage.open_store(address, clock=FakeClock())
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in str(caught.value.__cause__)


# -- what a disk may do


async def test_a_disk_that_is_full_or_fails_is_reported_and_nothing_is_lost(owned: storage.Store) -> None:
    def limit(pages: int) -> None:
        assert owned._writer is not None
        with owned._writer.connect() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    large = article("large", text="x" * 500_000)
    await owned.write(lambda tx: tx.articles.add([article("one")]))
    limit(1)
    with pytest.raises(StoreUnavailable, match="the disk is full; free space"):
        await owned.write(lambda tx: tx.articles.add([large]))
    limit(1_000_000)
    # The kernel refuses to make any file longer, which SQLite takes for an error of the disk.
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, old[1]))
    try:
        with pytest.raises(StoreUnavailable, match="the disk fails or its file system turned read-only; see dmesg"):
            await owned.write(lambda tx: tx.articles.add([large]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    await owned.write(lambda tx: tx.articles.add([large]))
    assert await owned.read(lambda tx: tx.articles.count()) == 2


def damage(file: Path) -> None:
    open_again(file).close_now()
    content = file.read_bytes()
    file.write_bytes(content[:100] + b"\xff" * (len(content) - 100))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage, "it is damaged; put the last backup"),
        (
            lambda file: file.write_bytes(b"not a database, but a letter to a friend" * 100),
            "not an SQLite database; check the address",
        ),
        (lambda file: file.mkdir(), "cannot be opened; check that the folder exists"),
        (lambda file: file.parent.rmdir() or file.parent.write_text("a file"), "its folder cannot be created"),
    ],
    ids=["damaged", "a letter", "a folder", "a file in the folder's place"],
)
def test_a_file_that_cannot_be_opened_is_reported_and_left_as_it_is(
    file: Path, spoil: Callable[[Path], object], words: str
) -> None:
    file.parent.mkdir()
    spoil(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(StoreUnavailable, match=words):
        open_again(file)
    assert not before or file.read_bytes() == before


def test_a_reader_makes_no_database_and_no_tables_and_says_what_does(file: Path) -> None:
    with pytest.raises(StoreUnavailable, match="it does not exist yet; `wirewatch once`"):
        open_again(file, read_only=True)
    assert not file.parent.exists()
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.commit()
    with pytest.raises(StoreUnavailable, match="it is empty; `wirewatch once`"):
        open_again(file, read_only=True)


# -- only its own user may read the archive, and nobody through a link


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_database_log_lock_and_backup_are_for_their_own_user_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        store = open_again(file)
        await store.write(lambda tx: tx.key_values.put("k", "v"))
        storage.backup(f"sqlite:///{file}", file.with_name("copy.db"))
        result = modes(file.parent)
        await store.close()
    finally:
        os.umask(before)
    assert result.keys() == {"store.db", "store.db-wal", "store.db-shm", "store.db.lock", "copy.db"}
    assert set(result.values()) == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_files_of_an_earlier_version_become_private_and_the_log_says_so(file: Path) -> None:
    await open_again(file).close()
    lock = file.with_name("store.db.lock")
    for value in (file, lock):
        value.chmod(0o644)
    with capture_logs() as lines:
        await open_again(file).close()
    assert {modes(file.parent)[value.name] for value in (file, lock)} == {0o600}
    output = {line["file"]: line["mode_before"] for line in lines if line["event"] == "file made private"}
    assert output == {str(file): "0644", str(lock): "0644"}


def test_a_link_in_the_databases_place_is_refused_for_writing_reading_and_copying(file: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.db"
    victim.write_bytes(b"mine")
    victim.chmod(0o644)
    file.parent.mkdir()
    file.symlink_to(victim)
    for read_only in (False, True):
        with pytest.raises(StoreUnavailable, match=r"store\.db is a symbolic link, which is not followed"):
            open_again(file, read_only=read_only)
    with pytest.raises(StoreUnavailable, match="is a symbolic link"):
        storage.backup(f"sqlite:///{file}", tmp_path / "copy.db")
    file.unlink()
    lock = file.with_name("store.db.lock")
    lock.unlink(missing_ok=True)
    lock.symlink_to(victim)
    with pytest.raises(StoreUnavailable, match=r"store\.db\.lock is a symbolic link"):
        open_again(file)
    assert victim.read_bytes() == b"mine"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o644


async def test_a_link_in_the_backups_place_is_refused_and_one_in_that_of_the_unfinished_backup_replaced(
    file: Path, tmp_path: Path
) -> None:
    await open_again(file).close()
    victim, copy = tmp_path / "victim", tmp_path / "copy.db"
    copy.symlink_to(victim)
    with pytest.raises(StoreUnavailable, match=r"copy\.db is a symbolic link"):
        storage.backup(f"sqlite:///{file}", copy)
    assert not victim.exists()
    victim.write_text("mine")
    with pytest.raises(StoreUnavailable, match=r"copy\.db is a symbolic link"):
        storage.backup(f"sqlite:///{file}", copy)
    copy.unlink()
    (tmp_path / "copy.db.unfinished").symlink_to(victim)
    storage.backup(f"sqlite:///{file}", copy)
    assert victim.read_text() == "mine"
    assert not copy.is_symlink()


# -- the schema and its history


def _is_ours(name: str | None, _kind: str, _parents: object) -> bool:
    """Leave out what is not in the metadata: the index of words (tests/storage/test_search.py) and partial indexes."""
    is_partial = any(f"CREATE INDEX {name} " in statement for statement in schema.PARTIAL_INDEXES)
    return name is None or ("search_" not in name and not is_partial)


NEXT_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
    op.add_column("stories", sa.Column("nickname", sa.Text()))
"""


async def test_a_new_database_has_the_schema_and_the_next_migration_upgrades_it(
    new_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = storage.open_store(new_address, clock=FakeClock())
    assert await _differences(first) == []
    await first.close()
    migrations = tmp_path / "migrations"
    shutil.copytree(opening.MIGRATIONS, migrations)
    (migrations / "versions" / "v0002_nickname.py").write_text(NEXT_MIGRATION)
    monkeypatch.setattr(opening, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema, "REVISION", "0002")
    with pytest.raises(StoreUnavailable, match="an earlier version made it; `wirewatch once`"):
        storage.open_store(new_address, clock=FakeClock(), read_only=True)
    second = storage.open_store(new_address, clock=FakeClock())
    [(added, _, table, column)] = await _differences(second)
    assert (added, table, column.name) == ("remove_column", "stories", "nickname")
    await second.close()


async def _differences(store: storage.Store) -> list[Any]:
    difference: list[Any] = await store.write(
        lambda tx: compare_metadata(
            MigrationContext.configure(tx.connection, opts={"include_name": _is_ours}), schema.metadata
        )
    )
    return difference


async def test_a_database_of_a_newer_version_is_not_changed(owned: storage.Store, file: Path) -> None:
    await owned.close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for read_only in (False, True):
        with pytest.raises(StoreUnavailable, match="a newer version of Wirewatch made it, or a development version"):
            open_again(file, read_only=read_only)
