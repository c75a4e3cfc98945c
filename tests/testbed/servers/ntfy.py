"""A real ntfy server (Debian's package ntfy), whose topics can be read back."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.servers import absent, ports

_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    port: int

    def address(self, topic: str) -> str:
        """Return the address in the form of Apprise."""
        return f"ntfy://127.0.0.1:{self.port}/{topic}"

    def read(self, topic: str) -> list[dict[str, Any]]:
        """Return the messages of the topic, oldest first (docs.ntfy.sh/subscribe/api)."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{topic}/json?poll=1", timeout=10) as answer:
            return [json.loads(line) for line in answer]


@pytest.fixture(scope="session")
def ntfy_server() -> Iterator[Server]:
    try:
        with serve() as server:
            yield server
    except absent.Absent as reason:
        absent.skip(reason, unless="APPRISE_TEST")


@contextmanager
def serve() -> Iterator[Server]:
    """Raises Absent with what to install."""
    program = shutil.which("ntfy")
    if program is None:
        raise absent.Absent("the test of Apprise with ntfy needs its server: apt install ntfy")
    port = ports.free()
    with tempfile.TemporaryDirectory(prefix="ntfy-") as folder:
        options = ("--listen-http", f"127.0.0.1:{port}", "--cache-file", f"{folder}/cache.db")
        command = [program, "serve", "--config", "/dev/null", *options]
        with ports.started(command, port, folder=Path(folder), seconds=_START_SECONDS):
            yield Server(port)
