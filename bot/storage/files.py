"""Files that only the bot's user may read, and the lock file of an SQLite database."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from datetime import timedelta
from pathlib import Path

from bot.model.errors import StoreInUse, StoreUnavailable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MODE = stat.S_IRUSR | stat.S_IWUSR


def create(path: Path) -> None:
    """Create an empty private file. Raises FileExistsError (also for a broken link) and OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE))


def opened(path: Path) -> int:
    """Open a file for reading and writing, create it if necessary, and return its handle. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _MODE)
    _tighten(handle, path)
    return handle


def tighten(path: Path) -> None:
    """Remove the rights of other users from a file, if the file exists and belongs to this user."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _tighten(handle, path)
        finally:
            os.close(handle)


def refuse_link(path: Path, *, doing: str) -> None:
    """Raise StoreUnavailable if the path is a symbolic link."""
    if path.is_symlink():
        raise link_refused(path, doing=doing)


def link_refused(path: Path, *, doing: str) -> StoreUnavailable:
    """Return the error for a symbolic link instead of a file. ``doing`` describes the operation that needs the file."""
    return StoreUnavailable(f"{doing}: {path} is a symbolic link, which is not followed; use the file itself")


def is_link(error: OSError) -> bool:
    """Return whether the error means that the file is a symbolic link."""
    return error.errno == errno.ELOOP


def _tighten(handle: int, path: Path) -> None:
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_mode & _OTHERS:
        try:
            os.fchmod(handle, stat.S_IMODE(status.st_mode) & ~_OTHERS)
        except OSError:
            # Ignore a file system without file rights (FAT, some network shares). Its mount options set the rights.
            return
        # Import here to save start-up time, because most files are already private.
        import structlog

        log = structlog.get_logger("wirewatch")
        log.info("file made private", file=str(path), mode_before=f"{stat.S_IMODE(status.st_mode):04o}")


#: The lock is tried several times, because the function ``owner`` in another process may hold it for a moment.
_TRIES, _BETWEEN_TRIES = 5, timedelta(milliseconds=10)


class Lock:
    """The lock of an SQLite database. The kernel releases it when the process ends, even after a crash."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def take(cls, database: Path, process_name: str) -> Lock:
        """Lock a database. Raises StoreInUse with the owner's name if it is already locked, or StoreUnavailable."""
        file = _lock_file(database)
        try:
            handle = opened(file)
        except OSError as error:
            if is_link(error):
                raise link_refused(file, doing=f"locking the database {database}") from None
            raise StoreUnavailable(
                f"locking the database {database}: {file}: {error.strerror}; this user must be able to write there"
            ) from error
        try:
            _lock(handle)
        except OSError as error:
            owner = os.pread(handle, 500, 0).decode(errors="replace").strip()
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise StoreUnavailable(
                    f"locking the database {database}: {error.strerror}; keep it on a disk that can lock files"
                ) from error
            who = owner or "another process"
            raise StoreInUse(f"opening the database {database}: in use by {who}; stop it first") from None
        # Write the owner's name, which is only informative. On a full disk it is missing.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{process_name} (process {os.getpid()})\n".encode(), 0)
        return cls(handle)

    def release(self) -> None:
        """Release the lock, so that another process may own the database."""
        # Keep the file. If it were deleted, two processes could lock two different files with the same name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
        os.close(self._handle)


def owner(database: Path) -> str:
    """Return the process that owns the database, or "" if there is none or the lock file cannot be read."""
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
    """Return the path of the lock file of a database."""
    return database.with_name(database.name + ".lock")
