"""An archive without an article, copied: made once in a process, since the migrations take a twentieth of a second."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from bot import storage
from testbed.fakes import FakeClock


def archive(file: Path) -> str:
    """Write one to ``file``. Returns its address."""
    file.write_bytes(_made())
    return f"sqlite:///{file}"


@functools.cache
def _made() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fresh.db"
        storage.open_store(f"sqlite:///{file}", clock=FakeClock()).close_now()
        return file.read_bytes()
