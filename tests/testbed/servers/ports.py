"""Ports of servers that are separate programs."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def free() -> int:
    """Return a port that is free now, for a program that cannot choose one itself."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


@contextmanager
def started(command: Sequence[str], port: int, *, folder: Path, seconds: float) -> Iterator[None]:
    """Run a server in ``folder``. Raises RuntimeError with its output if it does not answer in time."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
        try:
            end = time.monotonic() + seconds
            while not _answers(port):
                if time.monotonic() > end or process.poll() is not None:
                    raise RuntimeError(f"the server did not come up: {log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
