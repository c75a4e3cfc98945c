"""Measure feeds per second through the whole pipeline, compared with the obvious script.

    python -m bench.speed.poll                           500 feeds over HTTP, two items of each inside the backfill
    python -m bench.speed.poll --keep                    one host, whose connections stay open
    python -m bench.speed.poll --inside 30               all items inside the window: all are new
    python -m bench.speed.poll --feeds 10000 --alone     without the script, to measure the memory of many feeds

A local origin in a separate process serves the feeds. Each has 30 items in about 25 KB, with HTML that is not all
ASCII, and is sent compressed; a quarter of the feeds are Atom. The 1,000 hosts close each connection after the answer,
so each request needs a DNS lookup and a connection. The rounds: cold (first poll), warm (every answer is 304), 5 % (one
feed in twenty has two new items), bare (no validators, nothing new). Each contender polls all feeds in each round:
Wirewatch with 64 connections, the script (httpx.AsyncClient, feedparser, SQLite, a commit per feed) with 50. The
contenders take turns, round by round, so that a busy machine slows both. All rounds are repeated, and the median of the
ratios counts. Miniflux is left out, because it needs a server and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.speed import poll_contenders, poll_origin, processes
from tests.testbed.servers.processes import children

ROOT = Path(__file__).parents[2]
ROUNDS = ("cold", "warm", "5 %", "bare")


@dataclass(frozen=True, slots=True)
class Lap:
    seconds: float
    cpu_seconds: float
    items: int
    peak_mb: float


@dataclass(slots=True)
class Results:
    """Laps of each contender and round, one for each repetition."""

    laps: dict[tuple[str, str], list[Lap]] = field(default_factory=dict)
    #: Seconds that each contender took until it was ready, one for each repetition.
    starts: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, kind: str, lap: Lap) -> None:
        self.laps.setdefault((name, kind), []).append(lap)

    def rate(self, name: str, kind: str, count: int) -> float:
        return statistics.median(count / lap.seconds for lap in self.laps[name, kind])

    def peak(self, name: str) -> float:
        return max(lap.peak_mb for kind in ROUNDS for lap in self.laps[name, kind])

    def times(self, base: str, name: str, kind: str) -> float:
        pairs = zip(self.laps[base, kind], self.laps[name, kind], strict=True)
        return statistics.median(one.seconds / other.seconds for one, other in pairs)

    def times_with_start(self, base: str, name: str, kind: str) -> float:
        """Compare as programs that are started for each round."""
        ours, theirs = (
            [lap.seconds + start for lap, start in zip(self.laps[each, kind], self.starts[each], strict=True)]
            for each in (name, base)
        )
        return statistics.median(one / other for one, other in zip(theirs, ours, strict=True))

    def times_of_processor(self, base: str, name: str, kind: str) -> float:
        pairs = zip(self.laps[base, kind], self.laps[name, kind], strict=True)
        return statistics.median(one.cpu_seconds / other.cpu_seconds for one, other in pairs)


class Pair:
    """One contender in a separate process, and its origin."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        command = [sys.executable, "-m", "bench.speed.poll", "--role"]
        self._origin = subprocess.Popen([*command, "origin"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._origin.stdout is not None
        port, self._control = map(int, self._origin.stdout.readline().split())
        self.tell("inside", options.inside)
        self.tell("closing", int(not options.keep))
        self.tell("prepare", options.feeds)
        hosts = ["--keep"] if options.keep else []
        # Bytecode is kept, as an installed package's is.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        begun = time.perf_counter()
        self._child = subprocess.Popen(
            [*command, name, "--port", str(port), "--feeds", str(options.feeds), *hosts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if options.loud else subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**kept, "NO_PROXY": "*"},
        )
        self._line()
        self.start_seconds = time.perf_counter() - begun

    def tell(self, name: str, value: int) -> None:
        urllib.request.urlopen(f"http://127.0.0.1:{self._control}/control?{name}={value}").close()

    def lap(self) -> Lap:
        assert self._child.stdin is not None
        self._child.stdin.write("round\n")
        self._child.stdin.flush()
        return Lap(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit("a contender broke; --loud shows its log")
        return line

    def close(self) -> None:
        for process in (self._child, self._origin):
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def contend(name: str, urls: list[str]) -> None:
    """The child's side: a line when it is ready, and a line of result for each line read."""
    stand_in_for_the_name_service()
    answers = os.fdopen(os.dup(1), "w")
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- the console channel's posts, for the whole process

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with poll_contenders.CONTENDERS[name](urls, Path(folder)) as one_round:
                print("ready", file=answers, flush=True)
                for _ in sys.stdin:
                    pids = [os.getpid(), *children(os.getpid())]
                    begun, cpu = time.perf_counter(), processes.spent(pids)
                    items = await one_round()
                    lap = {
                        "seconds": time.perf_counter() - begun,
                        "cpu_seconds": processes.spent(pids) - cpu,
                        "items": items,
                        "peak_mb": processes.peak_mb(pids),
                    }
                    print(json.dumps(lap), file=answers, flush=True)

    asyncio.run(run())


def addresses(options: argparse.Namespace) -> Iterator[str]:
    """Yield the addresses of the feeds, on many hosts or on one."""
    for number in range(options.feeds):
        host = "127.0.0.1" if options.keep else f"feed{number % poll_origin.HOSTS}.{poll_origin.DOMAIN}"
        yield f"http://{host}:{options.port}/feed/{number}"


def stand_in_for_the_name_service() -> None:
    """Every contender's look-ups of the bench's own hosts end here."""
    system = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        return system("127.0.0.1" if name.endswith(poll_origin.DOMAIN) else host, *args, **kwargs)

    socket.getaddrinfo = look_up


def repeat(names: Sequence[str], options: argparse.Namespace, results: Results) -> None:
    """Each round once for each contender, in turns."""
    with ExitStack() as stack:
        pairs = {name: Pair(name, options) for name in names}
        for name, pair in pairs.items():
            stack.callback(pair.close)
            results.starts.setdefault(name, []).append(pair.start_seconds)
        for place, kind in enumerate(ROUNDS):
            for name, pair in pairs.items():
                if kind == "5 %":
                    pair.tell("round", place)
                if kind == "bare":
                    pair.tell("validators", 0)
                results.add(name, kind, pair.lap())


def show(results: Results, names: Sequence[str], options: argparse.Namespace) -> None:
    base = names[0]
    way = "one host" if options.keep else "a connection a request"
    print(
        f"{options.feeds} feeds over HTTP, {way}, {options.inside} of {poll_origin.ITEMS} items inside the window;"
        f" feeds a second, median of {options.repeats}"
    )
    print(f"{'':22}" + "".join(f"{kind:>10}" for kind in ROUNDS) + f"{'peak':>10}")
    for name in names:
        rates = "".join(f"{results.rate(name, kind, options.feeds):>10.0f}" for kind in ROUNDS)
        print(f"{name:22}{rates}{results.peak(name):>7.0f} MB")
    if options.alone:
        return
    for name in names[1:]:
        compare(results, base, name)


def compare(results: Results, base: str, name: str) -> None:
    print(f"\n{name}, beside the {base}")
    for title, ratio in (
        ("times", results.times),
        ("times, with start-up", results.times_with_start),
        ("times, processor time", results.times_of_processor),
    ):
        print(f"{title:22}" + "".join(f"{ratio(base, name, kind):>10.2f}" for kind in ROUNDS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--inside", type=int, default=2, help="items of each feed inside the backfill window")
    parser.add_argument("--keep", action="store_true", help="one host, whose connections stay open")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="no obvious script beside it")
    parser.add_argument("--loud", action="store_true", help="show the contenders' log")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role == "origin":
        asyncio.run(poll_origin.serve())
        return
    if options.role:
        contend(options.role, list(addresses(options)))
        return
    names = ("wirewatch",) if options.alone else ("obvious script", "wirewatch")
    results = Results()
    for _ in range(options.repeats):
        repeat(names, options, results)
    show(results, names, options)


if __name__ == "__main__":
    main()
