"""Measure feeds per second through the whole pipeline, compared with the obvious script.

    python -m bench.speed.poll                           500 feeds over HTTP, two items of each inside the backfill
    python -m bench.speed.poll --keep                    one host, whose connections stay open
    python -m bench.speed.poll --inside 30               all items inside the window: all are new
    python -m bench.speed.poll --feeds 10000 --alone     without the script, to measure the memory of many feeds
    python -m bench.speed.poll --feeds 2000 --processes  each round is a process: the script and `wirewatch once --now`

A local origin in a separate process serves the feeds. Each has 30 items in about 25 KB, with HTML that is not all
ASCII, and is sent compressed; a quarter of the feeds are Atom, and two in five have relative pictures and a port in
their addresses. The 1,000 hosts close each connection after the answer, so each request needs a DNS lookup and a
connection. The rounds: cold (first poll), warm (every answer is 304), 5 % (one feed in twenty has two new items), bare
(no validators, nothing new). Each contender polls all feeds in each round: Wirewatch with 64 connections, the script
(httpx.AsyncClient, feedparser, SQLite, a commit per feed) with 50. The contenders take turns, round by round, so that a
busy machine slows both. All rounds are repeated, and the median of the ratios counts. With --processes, a round lasts
from the start of a process to its end. Miniflux is left out, because it needs a server and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
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

    def add(self, name: str, kind: str, lap: Lap) -> None:
        self.laps.setdefault((name, kind), []).append(lap)

    def rate(self, name: str, kind: str, count: int) -> float:
        return statistics.median(count / lap.seconds for lap in self.laps[name, kind])

    def peak(self, name: str) -> float:
        return max(lap.peak_mb for kind in ROUNDS for lap in self.laps[name, kind])

    def times(self, base: str, name: str, kind: str) -> float:
        pairs = zip(self.laps[base, kind], self.laps[name, kind], strict=True)
        return statistics.median(one.seconds / other.seconds for one, other in pairs)

    def times_of_processor(self, base: str, name: str, kind: str) -> float:
        pairs = zip(self.laps[base, kind], self.laps[name, kind], strict=True)
        return statistics.median(one.cpu_seconds / other.cpu_seconds for one, other in pairs)


class Origin:
    """The server of the feeds, in a separate process."""

    def __init__(self, options: argparse.Namespace) -> None:
        command = [sys.executable, "-m", "bench.speed.poll", "--role", "origin"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        self.port, self._control = map(int, self._process.stdout.readline().split())
        self.tell("inside", options.inside)
        self.tell("closing", int(not options.keep))
        self.tell("prepare", options.feeds)

    def tell(self, name: str, value: int) -> None:
        urllib.request.urlopen(f"http://127.0.0.1:{self._control}/control?{name}={value}").close()

    def close(self) -> None:
        end(self._process)


class LongProcess:
    """A contender in one process for all rounds."""

    def __init__(self, name: str, origin: Origin, options: argparse.Namespace) -> None:
        command = [sys.executable, "-m", "bench.speed.poll", "--role", name]
        hosts = ["--keep"] if options.keep else []
        self._child = subprocess.Popen(
            [*command, "--port", str(origin.port), "--feeds", str(options.feeds), *hosts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if options.loud else subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=_environment(),
        )
        self._line()

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
        end(self._child)


class ProcessPerRound:
    """A contender that is started for each round."""

    def __init__(self, name: str, origin: Origin, options: argparse.Namespace, folder: Path) -> None:
        urls = list(addresses(options, port=origin.port))
        (folder / "urls.txt").write_text("\n".join(urls))
        poll_contenders.write_configuration(urls, folder)
        self._command = [sys.executable, "-m", "bench.speed.poll_contenders", name, str(folder)]
        self._output = None if options.loud else subprocess.DEVNULL

    def lap(self) -> Lap:
        begun = time.perf_counter()
        process = subprocess.Popen(
            self._command, cwd=ROOT, env=_environment(), stdout=self._output, stderr=self._output
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):  # 1: messages are left, because none are sent
            raise SystemExit("a contender broke; --loud shows its log")
        return Lap(seconds, usage.ru_utime + usage.ru_stime, 0, usage.ru_maxrss / 1024)

    def close(self) -> None:
        """Nothing runs between the rounds."""


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _environment() -> dict[str, str]:
    """Bytecode is kept, as an installed package's is."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "NO_PROXY": "*"}


def contend(name: str, urls: list[str]) -> None:
    """The child's side: a line when it is ready, and a line of result for each line read."""
    poll_contenders.stand_in_for_the_name_service()
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


def addresses(options: argparse.Namespace, *, port: int) -> Iterator[str]:
    """Yield the addresses of the feeds, on many hosts or on one."""
    for number in range(options.feeds):
        host = "127.0.0.1" if options.keep else f"feed{number % poll_origin.HOSTS}.{poll_origin.DOMAIN}"
        yield f"http://{host}:{port}/feed/{number}"


def repeat(names: Sequence[str], options: argparse.Namespace, results: Results) -> None:
    """Each round once for each contender, in turns."""
    with ExitStack() as stack:
        origins, contenders = {}, {}
        for name in names:
            origin = origins[name] = Origin(options)
            stack.callback(origin.close)
            contender: LongProcess | ProcessPerRound
            if options.processes:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                contender = ProcessPerRound(name, origin, options, folder)
            else:
                contender = LongProcess(name, origin, options)
            stack.callback(contender.close)
            contenders[name] = contender
        for kind in ROUNDS:
            for name, contender in contenders.items():
                if kind == "5 %":
                    origins[name].tell("round", 1)
                if kind == "bare":
                    origins[name].tell("validators", 0)
                results.add(name, kind, contender.lap())


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
    parser.add_argument("--processes", action="store_true", help="each round is a process, with its start and end")
    parser.add_argument("--loud", action="store_true", help="show the contenders' log")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role == "origin":
        asyncio.run(poll_origin.serve())
        return
    if options.role:
        contend(options.role, list(addresses(options, port=options.port)))
        return
    names = ("wirewatch",) if options.alone else ("obvious script", "wirewatch")
    results = Results()
    for _ in range(options.repeats):
        repeat(names, options, results)
    show(results, names, options)


if __name__ == "__main__":
    main()
