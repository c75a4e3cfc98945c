"""Ports of servers that are programs of their own."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import IO


def free() -> int:
    """A port that nobody has now; for a program that cannot be told to choose one."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], log: IO[bytes], *, seconds: float) -> None:
    """Until the server answers. Raises RuntimeError with what it said when it ended or never did."""
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
