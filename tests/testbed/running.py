"""A bot that runs in a process of its own, and posts to its standard output.

with running(folder, server.url("/feed")) as bot:
    await bot.wait_for_post("BlackBerry will leave Pakistan")
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot with one rule, which matches "BlackBerry"."""

    folder: Path
    pid: int

    @property
    def posts(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def peak_memory_mb(self) -> int:
        (line,) = (line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmHWM" in line)
        return int(line.split()[1]) // 1024

    async def wait_for_post(self, headline: str, within_s: float = 120) -> float:
        """Return the seconds until the headline is posted."""
        began = time.monotonic()
        async with asyncio.timeout(within_s):
            while headline not in self.posts:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        return time.monotonic() - began


@contextmanager
def running(
    folder: Path,
    feed: str,
    *,
    fetch: str = "every: 5 minutes",
    bot: str = "",
    before: Sequence[str] = (),
    **environ: str,
) -> Iterator[Bot]:
    """Run the bot over one feed. ``before`` is a command that runs the rest of its arguments as a command."""
    (folder / "rules").mkdir()
    (folder / "rules" / "a.yaml").write_text("rules:\n  - {name: A, all: [BlackBerry], notify: alerts}\n")
    (folder / "feeds.yaml").write_text(f"feeds:\n  - {feed}\n")
    (folder / "bot.yaml").write_text(
        f"database: sqlite:///{folder}/w.db\nchannels:\n  alerts: {{kind: console}}\n"
        f"fetch: {{{fetch}, allow_private: [127.0.0.0/8]}}\n{bot}"
    )
    command = [*before, sys.executable, "-m", "bot", "run", "--config", str(folder)]
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=out, stderr=log, env={**os.environ, **environ})
        try:
            yield Bot(folder, process.pid)
        finally:
            process.kill()
            process.wait()


def feed_of(*headlines: str) -> bytes:
    """Return a feed with one article for each headline."""
    items = "".join(f"<item><guid>{title}</guid><title>{title}</title></item>" for title in headlines)
    return f'<rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>'.encode()
