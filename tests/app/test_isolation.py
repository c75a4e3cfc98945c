"""A running bot with a document that is never parsed to its end: its loop, its health page and its end are as ever."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from testbed.servers.feeds import FeedServer
from testbed.servers.processes import children
from tests.feeds.documents import item, rss

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path, port: int) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("rules:\n  - {name: A, all: [BlackBerry], notify: alerts}\n")
    (tmp_path / "bot.yaml").write_text(
        f"database: sqlite:///{tmp_path}/w.db\nchannels:\n  alerts: {{kind: console}}\n"
        "fetch: {every: 1 seconds, at_least: 1 seconds, allow_private: [127.0.0.0/8]}\n"
        f'web: {{listen: "127.0.0.1:{port}"}}\n'
    )
    return tmp_path


@pytest.mark.long
async def test_a_bot_whose_reader_hangs_is_healthy_and_stops_when_told(folder: Path, port: int) -> None:
    async with FeedServer() as server:
        server.serve("/a", rss(item(1)).encode())
        (folder / "feeds.yaml").write_text(f"feeds:\n  - {server.url('/a')}\n")
        command = [sys.executable, "-m", "bot", "run", "--config", str(folder)]
        with (folder / "log").open("w") as log:
            bot = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd=ROOT)
        try:
            reader = await _until(lambda: _reader_of(bot.pid))
            await _until(lambda: "feed polled" in (folder / "log").read_text())
            os.kill(reader, signal.SIGSTOP)
            server.serve("/a", rss(item(2)).encode())
            asked = len(server.requests)
            await _until(lambda: len(server.requests) > asked)
            for _ in range(10):
                await asyncio.sleep(0.1)
                assert await asyncio.to_thread(_is_healthy, port)
            bot.send_signal(signal.SIGTERM)
            async with asyncio.timeout(300):
                assert await bot.wait() == 0
            assert not _is_there(reader)
        finally:
            with contextlib.suppress(ProcessLookupError):
                bot.kill()
            await bot.wait()


def _reader_of(pid: int) -> int | None:
    try:
        found = [child for child in children(pid) if b"bot.fetch" in Path(f"/proc/{child}/cmdline").read_bytes()]
    except OSError:
        return None
    return found[0] if found else None


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _is_healthy(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=300) as answer:
        return bool(answer.status == 200)


async def _until(seen: Callable[[], T | None]) -> T:
    async with asyncio.timeout(300):
        while not (found := seen()):  # noqa: ASYNC110 - another process tells nothing
            await asyncio.sleep(0.05)
    return found
