"""Files that only the bot's own user may read: how they are made, and how older ones become so.

A link in their place is refused: whoever can put one there would choose which file is read, written or made private.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from bot import ports

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MODE = stat.S_IRUSR | stat.S_IWUSR


def create(path: Path) -> None:
    """An empty file that was not there. Raises FileExistsError, also for a link that leads nowhere, and OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE))


def opened(path: Path) -> int:
    """A handle to read and write; the file is made if it is not there. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _MODE)
    _tighten(handle, path)
    return handle


def tighten(path: Path) -> None:
    """Take from others the right to an existing file; one that is not there or not ours stays as it is."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _tighten(handle, path)
        finally:
            os.close(handle)


def refuse_link(path: Path, *, doing: str) -> None:
    """Raises StoreUnavailable."""
    if path.is_symlink():
        raise link_refused(path, doing=doing)


def link_refused(path: Path, *, doing: str) -> ports.StoreUnavailable:
    """The error for a symbolic link where a file is expected; ``doing`` says what for."""
    return ports.StoreUnavailable(f"{doing}: {path} is a symbolic link, which is not followed; name the file itself")


def is_link(error: OSError) -> bool:
    """Whether a file was not opened because it is a link."""
    return error.errno == errno.ELOOP


def _tighten(handle: int, path: Path) -> None:
    found = os.fstat(handle)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
        try:
            os.fchmod(handle, stat.S_IMODE(found.st_mode) & ~_OTHERS)
        except OSError:
            # A disk without rights (FAT, some network shares): who may read it is said where it is mounted.
            return
        import structlog  # costs start-up, and most files are private already

        log = structlog.get_logger("wirewatch")
        log.info("file made private", file=str(path), mode_before=f"{stat.S_IMODE(found.st_mode):04o}")
