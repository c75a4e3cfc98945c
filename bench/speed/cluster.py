"""Measure feeds per second with one, two and three workers on one PostgreSQL, compared with one process on SQLite.

    python -m bench.speed.cluster                 10,000 feeds
    python -m bench.speed.cluster --feeds 2000

The workers are real ``wirewatch run`` processes with a real PostgreSQL (fsync off, as in the tests). The origin is a
separate process. All run on this machine, so the workers share its cores with the origin and the database. The rounds:
cold (first polls), then all feeds due at once: warm (every answer is 304) and 5 % (one feed in twenty has two new
items). Only the processor time of the workers and of PostgreSQL can be transferred to other machines.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.speed import processes
from tests.testbed.servers import postgres

ROOT = Path(__file__).parents[2]
BOT = """\
database: {database}
channels: {{alerts: {{kind: console}}}}
operator: alerts
fetch: {{every: 1 hours, per_host: 64, allow_private: [127.0.0.0/8]}}
"""
RULES = """\
rules:
  - {name: Desk seven, all: {who: [operators], what: [desk 7]}, notify: alerts}
"""
NOT_YET = "SELECT count(*) FROM feeds WHERE due_at = 0"
BASELINES = "SELECT count(*) FROM feeds WHERE state NOT LIKE '%\"baseline_at\":null%'"
ALL_DUE = "UPDATE feeds SET due_at = 0"

Ask = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Lap:
    feeds: int
    seconds: float
    #: Of all workers.
    worker_seconds: float
    database_seconds: float


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    workers: int
    address: str
    ask: Ask
    #: Processes of the database.
    servers: Callable[[], list[int]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--feeds", type=int, default=10_000)
    options = arguments.parse_args()
    results: dict[str, dict[str, Lap]] = {}
    with postgres.serve() as server, tempfile.TemporaryDirectory() as folder:
        for setting in (_sqlite(Path(folder)), *(_postgres(server, workers) for workers in (1, 2, 3))):
            results[setting.name] = _measure(setting, options.feeds)
            print(f"{setting.name}: done", file=sys.stderr)
    _print(results, options.feeds)


def _print(results: dict[str, dict[str, Lap]], feeds: int) -> None:
    base = next(iter(results.values()))
    print(f"{feeds:,} feeds of 30 items; feeds a second (times one process on SQLite); ms of processor a poll")
    print(f"{'':<24}{'round':<8}{'feeds/s':>9}{'times':>8}{'workers':>9}{'database':>10}")
    for name, laps in results.items():
        for kind, lap in laps.items():
            rate, compared = lap.feeds / lap.seconds, base[kind].feeds / base[kind].seconds
            print(
                f"{name:<24}{kind:<8}{rate:>9.0f}{rate / compared:>8.2f}"
                f"{1000 * lap.worker_seconds / lap.feeds:>9.1f}{1000 * lap.database_seconds / lap.feeds:>10.1f}"
            )


def _sqlite(folder: Path) -> Setting:
    file = folder / "wirewatch.db"

    def ask(statement: str) -> int:
        with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
            row = connection.execute(statement).fetchone()
            return int(row[0]) if row else 0

    return Setting("SQLite, one process", 1, f"sqlite:///{file}", ask, list)


def _postgres(server: postgres.Server, workers: int) -> Setting:
    address = server.new_database()
    name = postgres.name_of(address)

    def ask(statement: str) -> int:
        rows = server.run(statement, database=name)
        return int(str(rows[0][0])) if rows else 0

    def servers() -> list[int]:
        rows = server.run("SELECT pid FROM pg_stat_activity")
        return [int(str(row[0])) for row in rows]

    return Setting(f"PostgreSQL, {workers} worker{'s' * (workers > 1)}", workers, address, ask, servers)


def _measure(setting: Setting, feeds: int) -> dict[str, Lap]:
    with tempfile.TemporaryDirectory() as folder, _origin() as (port, tell):
        _configure(Path(folder), setting.address, port, feeds)
        with _workers(Path(folder), setting.workers) as pids:
            laps = {"cold": _cold(setting, pids, feeds)}
            for kind, version in (("warm", 0), ("5 %", 1)):
                tell("round", version)
                laps[kind] = _round(setting, pids, feeds)
    return laps


def _cold(setting: Setting, pids: list[int], feeds: int) -> Lap:
    """From the first hundred on, so that the start of the processes is not in it."""
    first = _wait(setting, BASELINES, lambda count: count >= min(100, feeds // 4))
    begun = _Clock(setting, pids)
    last = _wait(setting, BASELINES, lambda count: count >= feeds)
    return begun.lap(last - first)


def _round(setting: Setting, pids: list[int], feeds: int) -> Lap:
    """From the first hundred on, so that the wait for the next tick is not in it."""
    setting.ask(ALL_DUE)
    left = _wait(setting, NOT_YET, lambda count: count <= feeds - min(100, feeds // 4))
    begun = _Clock(setting, pids)
    _wait(setting, NOT_YET, lambda count: count == 0)
    return begun.lap(left)


class _Clock:
    def __init__(self, setting: Setting, pids: list[int]) -> None:
        self._setting, self._pids = setting, pids
        self._at = time.perf_counter()
        self._workers, self._servers = processes.spent(pids), processes.spent(setting.servers())

    def lap(self, feeds: int) -> Lap:
        seconds = time.perf_counter() - self._at
        return Lap(
            feeds,
            seconds,
            processes.spent(self._pids) - self._workers,
            processes.spent(self._setting.servers()) - self._servers,
        )


def _wait(setting: Setting, question: str, is_enough: Callable[[int], bool]) -> int:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            count = setting.ask(question)
        except Exception:  # noqa: BLE001 - no table yet
            count = -1
        if count >= 0 and is_enough(count):
            return count
        time.sleep(0.1)
    raise SystemExit(f"{setting.name}: not done in ten minutes")


def _configure(folder: Path, address: str, port: int, feeds: int) -> None:
    (folder / "rules").mkdir()
    (folder / "bot.yaml").write_text(BOT.format(database=address))
    lines = [f'  - {{url: "http://127.0.0.1:{port}/feed/{number}", owner: "{number}"}}' for number in range(feeds)]
    (folder / "feeds.yaml").write_text("feeds:\n" + "\n".join(lines) + "\n")
    (folder / "rules" / "desk.yaml").write_text(RULES)


@contextmanager
def _origin() -> Iterator[tuple[int, Callable[[str, int], None]]]:
    command = [sys.executable, "-m", "bench.speed.poll", "--role", "origin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        port, control = map(int, process.stdout.readline().split())

        def tell(name: str, value: int) -> None:
            urllib.request.urlopen(f"http://127.0.0.1:{control}/control?{name}={value}").close()

        try:
            yield port, tell
        finally:
            process.kill()


@contextmanager
def _workers(folder: Path, count: int) -> Iterator[list[int]]:
    command = [sys.executable, "-m", "bot", "run", "--config", str(folder)]
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=ROOT) for _ in range(count)]
    try:
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


if __name__ == "__main__":
    main()
