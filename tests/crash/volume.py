"""A small volume for a database: to fill, to make read-only, to break. Needs the right to mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.testbed.servers import absent

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


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, timeout=300, text=True).stdout


class Disk:
    """An ext4 file system that turns read-only under its users when it finds an error, as a failing disk's does."""

    def __init__(self, image: Path, folder: Path) -> None:
        self._image = image
        self.folder = folder

    def turn_read_only(self) -> None:
        device = Path(_run("findmnt", "-no", "SOURCE", str(self.folder)).strip()).name
        # Of ours alone: what is written there ends the file system's life.
        assert device.startswith("loop"), device
        (Path("/sys/fs/ext4") / device / "trigger_fs_error").write_text("a test")

    def mend(self) -> None:
        """As its operator does, once nobody has a file open there."""
        _run("umount", str(self.folder))
        # 1: errors were corrected.
        subprocess.run(["e2fsck", "-p", str(self._image)], check=False, capture_output=True, timeout=300)
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.folder))


@contextmanager
def disk(image: Path, folder: Path) -> Iterator[Disk]:
    """Raises Absent where this user may not mount, or has no ext4."""
    folder.mkdir(parents=True)
    mounted_disk = Disk(image, folder)
    try:
        image.write_bytes(bytes(16 * 1024 * 1024))
        _run("mkfs.ext4", "-q", str(image))
        mounted_disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        raise absent.Absent("the test of a disk that fails mounts an ext4 file, as root") from error
    try:
        yield mounted_disk
    finally:
        _run("umount", "--lazy", str(folder))
