"""A running bot whose clock leaps, as on a machine that starts with a wrong time and then corrects it."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.running import feed_of, running
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


def build_shim(folder: Path) -> dict[str, str]:
    """Return the environment of a process whose clock is that of ``set_clock``."""
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"], cwd=folder, check=True)
    (folder / "offset").write_bytes(bytes(8))
    return {"CLOCK_OFFSET": str(folder / "offset"), "LD_PRELOAD": str(folder / "shim.so")}


def set_clock(folder: Path, days: int) -> None:
    with (folder / "offset").open("r+b") as file:
        file.write(struct.pack("q", days * DAY_S))


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("cc"), reason="needs Linux and a compiler")
async def test_after_a_leap_of_the_clock_news_are_posted_within_half_a_minute_and_memory_stays(tmp_path: Path) -> None:
    environ = build_shim(tmp_path)
    headlines = ["BlackBerry will leave Pakistan"]
    async with FeedServer() as server:
        server.serve("/feed", feed_of(*headlines))
        with running(tmp_path, server.url("/feed"), **environ) as bot:
            await bot.wait_for_post(headlines[0])
            memory_mb = bot.peak_memory_mb()
            for days in (1, 30, 20_000):
                headlines.append(f"BlackBerry sells {days} patents")
                server.serve("/feed", feed_of(*headlines))
                set_clock(tmp_path, days)
                assert await bot.wait_for_post(headlines[-1]) < 30
            assert bot.peak_memory_mb() - memory_mb < 30
            assert all(bot.posts.count(headline) == 1 for headline in headlines[1:])
