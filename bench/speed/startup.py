"""Measure what the start of each command costs: processor time of the whole process, user and system.

    python -m bench.speed.startup

The configuration is the one that `init` writes, without its feeds, so that nothing is due; a first `once` makes the
database. The first lines are lower limits for a command that reads a configuration and a database: Python itself, and
the import of the necessary libraries. Commands take turns, so that a busy machine slows all of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOORS = ("pass", "import sqlalchemy, pydantic, httpx")
COMMANDS = ("--version", "check", "status", "once")
AIM_SECONDS = 0.35


def spent(command: Sequence[str]) -> float:
    """Seconds of processor of one run, which must end well; its bytecode is kept as an installed package's is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=ROOT, env=kept, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wirewatch(name: str, folder: Path) -> list[str]:
    where = () if name.startswith("--") else ("--config", str(folder))
    return [sys.executable, "-m", "bot", name, *where]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "config")
        spent([sys.executable, "-m", "bot", "init", str(folder)])
        (folder / "feeds.yaml").write_text("feeds: []\n")
        commands = {f"python -c {code!r}": [sys.executable, "-c", code] for code in FLOORS}
        commands |= {f"wirewatch {name}": wirewatch(name, folder) for name in COMMANDS}
        spent(wirewatch("once", folder))
        for command in commands.values():
            spent(command)
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.runs):
            for name, command in commands.items():
                seconds[name].append(spent(command))
    print(f"seconds of processor, median of {options.runs} runs; aim {AIM_SECONDS}")
    for name, measured in seconds.items():
        print(f"{name:48}{statistics.median(measured):>8.2f}")


if __name__ == "__main__":
    main()
