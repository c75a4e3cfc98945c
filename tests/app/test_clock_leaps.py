"""A running bot whose clock leaps, as on a machine that starts with a wrong time and then corrects it."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed.servers.feeds import FeedServer

#: Adds the number of seconds in the file $CLOCK_OFFSET to the time of day, and leaves the monotonic clock alone.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
static volatile long long *offset;
static int (*real)(clockid_t, struct timespec *);
__attribute__((constructor)) static void begin(void) {
    real = dlsym(RTLD_NEXT, "clock_gettime");
    offset = mmap(0, 8, PROT_READ, MAP_SHARED, open(getenv("CLOCK_OFFSET"), O_RDONLY), 0);
}
int clock_gettime(clockid_t id, struct timespec *now) {
    int result = real(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec += *offset;
    return result;
}
"""
DAY_S = 86_400


class Bot:
    """A running bot, its clock, and what it prints."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder = folder
        self._pid = pid

    @property
    def posts(self) -> str:
        return (self._folder / "out").read_text()

    def memory_mb(self) -> int:
        (line,) = (line for line in Path(f"/proc/{self._pid}/status").read_text().splitlines() if "VmHWM" in line)
        return int(line.split()[1]) // 1024

    def set_clock(self, days: int) -> None:
        with (self._folder / "offset").open("r+b") as file:
            file.write(struct.pack("q", days * DAY_S))

    async def wait_for_post(self, headline: str) -> float:
        """Return the seconds until the headline is posted."""
        began = time.monotonic()
        async with asyncio.timeout(120):
            while headline not in self.posts:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        return time.monotonic() - began


@contextmanager
def running(folder: Path, feed: str) -> Iterator[Bot]:
    (folder / "rules").mkdir()
    (folder / "rules" / "a.yaml").write_text("rules:\n  - {name: A, all: [BlackBerry], notify: alerts}\n")
    (folder / "feeds.yaml").write_text(f"feeds:\n  - {feed}\n")
    (folder / "bot.yaml").write_text(
        f"database: sqlite:///{folder}/w.db\nchannels:\n  alerts: {{kind: console}}\n"
        "fetch: {every: 5 minutes, allow_private: [127.0.0.0/8]}\n"
    )
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"], cwd=folder, check=True)
    (folder / "offset").write_bytes(bytes(8))
    environ = {**os.environ, "CLOCK_OFFSET": str(folder / "offset"), "LD_PRELOAD": str(folder / "shim.so")}
    command = [sys.executable, "-m", "bot", "run", "--config", str(folder)]
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=out, stderr=log, env=environ)
        try:
            yield Bot(folder, process.pid)
        finally:
            process.kill()
            process.wait()


def feed_of(*headlines: str) -> bytes:
    items = "".join(f"<item><guid>{title}</guid><title>{title}</title></item>" for title in headlines)
    return f'<rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>'.encode()


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("cc"), reason="needs Linux and a compiler")
async def test_after_a_leap_of_the_clock_news_are_posted_within_half_a_minute_and_memory_stays(tmp_path: Path) -> None:
    headlines = ["BlackBerry will leave Pakistan"]
    async with FeedServer() as server:
        server.serve("/feed", feed_of(*headlines))
        with running(tmp_path, server.url("/feed")) as bot:
            await bot.wait_for_post(headlines[0])
            memory_mb = bot.memory_mb()
            for days in (1, 30, 20_000):
                headlines.append(f"BlackBerry sells {days} patents")
                server.serve("/feed", feed_of(*headlines))
                bot.set_clock(days)
                assert await bot.wait_for_post(headlines[-1]) < 30
            assert bot.memory_mb() - memory_mb < 30
            assert all(bot.posts.count(headline) == 1 for headline in headlines[1:])
