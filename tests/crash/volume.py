"""A small volume of its own for a database, which can be filled and made read-only. Needs the right to mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import absent

_SIZE = "4m"
_BLOCK = bytes(4096)


class Volume:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """To the last block."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_BLOCK)
            except OSError:
                pass

    def free(self) -> None:
        self._ballast.unlink()

    def make_read_only(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.folder))

    def make_writable(self) -> None:
        _run("mount", "-o", "remount,rw", str(self.folder))


@contextmanager
def mounted(folder: Path) -> Iterator[Volume]:
    """Raises Absent where this user may not mount."""
    folder.mkdir(parents=True)
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "wirewatch-test", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        raise absent.Absent("the test of a full and of a read-only volume mounts one, as root") from error
    try:
        yield Volume(folder)
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
