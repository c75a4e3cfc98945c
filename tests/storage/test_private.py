"""Only its own user may read the archive, and nobody through a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import storage
from bot.model.errors import StoreUnavailable
from tests.testbed.fakes import FakeClock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


def opened(file: Path, *, read_only: bool = False) -> storage.Store:
    return storage.open_store(f"sqlite:///{file}", clock=FakeClock(), read_only=read_only)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_database_log_lock_and_backup_are_for_their_own_user_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        store = opened(file)
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
    await opened(file).close()
    lock = file.with_name("store.db.lock")
    for value in (file, lock):
        value.chmod(0o644)
    with capture_logs() as lines:
        await opened(file).close()
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
            opened(file, read_only=read_only)
    with pytest.raises(StoreUnavailable, match="is a symbolic link"):
        storage.backup(f"sqlite:///{file}", tmp_path / "copy.db")
    file.unlink()
    lock = file.with_name("store.db.lock")
    lock.unlink(missing_ok=True)
    lock.symlink_to(victim)
    with pytest.raises(StoreUnavailable, match=r"store\.db\.lock is a symbolic link"):
        opened(file)
    assert victim.read_bytes() == b"mine"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o644


async def test_a_link_in_the_backups_place_is_refused_and_one_in_that_of_the_unfinished_backup_replaced(
    file: Path, tmp_path: Path
) -> None:
    await opened(file).close()
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
