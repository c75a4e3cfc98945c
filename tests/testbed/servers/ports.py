"""Ports of servers that are separate programs."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import IO


def free() -> int:
    """Return a port that is free now, for a program that cannot choose one itself."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], log: IO[bytes], *, seconds: float) -> None:
    """Wait until the server answers. Raises RuntimeError with its output if it ended or never answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    log.seek(0)
    raise RuntimeError(f"the server did not come up: {log.read().decode(errors='replace')[-2000:]}")
