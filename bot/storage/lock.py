"""The one owner of an SQLite file: a lock file beside it, held by flock, so a dead owner's lock is free at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from datetime import timedelta
from pathlib import Path

from bot import ports
from bot.storage import private

#: Whoever looks who the owner is (``owner``) holds the lock for a moment.
_TRIES, _BETWEEN_TRIES = 5, timedelta(milliseconds=10)


class Lock:
    """Held from ``take`` to ``release``; the kernel releases it when the process ends, however it ends."""

    def __init__(self, file: Path, handle: int) -> None:
        self._file = file
        self._handle = handle

    @classmethod
    def take(cls, database: Path, process_name: str) -> Lock:
        """Raises StoreInUse, naming the owner, and StoreUnavailable."""
        file = _lock_file(database)
        try:
            handle = private.opened(file)
        except OSError as error:
            if private.is_link(error):
                raise private.link_refused(file, doing=f"locking the database {database}") from None
            raise ports.StoreUnavailable(
                f"locking the database {database}: {file}: {error.strerror}; this user must be able to write there"
            ) from error
        try:
            _lock(handle)
        except OSError as error:
            owner = os.pread(handle, 500, 0).decode(errors="replace").strip()
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise ports.StoreUnavailable(
                    f"locking the database {database}: {error.strerror}; keep it on a disk that can lock files"
                ) from error
            who = owner or "another process"
            raise ports.StoreInUse(f"opening the database {database}: in use by {who}; stop it first") from None
        with contextlib.suppress(OSError):  # The lock counts; on a full disk only the owner's name is missing.
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{process_name} (process {os.getpid()})\n".encode(), 0)
        return cls(file, handle)

    def release(self) -> None:
        """Another process may own the database."""
        # The file stays: removing it would let two processes lock two files of one name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
        os.close(self._handle)


def owner(database: Path) -> str:
    """Return the process that owns the database now; empty: none does, or this user may not know."""
    try:
        handle = os.open(_lock_file(database), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(handle, 500, 0).decode(errors="replace").strip() or "another process"
    finally:
        os.close(handle)
    return ""


def _lock(handle: int) -> None:
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_BETWEEN_TRIES.total_seconds())
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_file(database: Path) -> Path:
    """The path of the lock file of a database."""
    return database.with_name(database.name + ".lock")
