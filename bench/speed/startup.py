"""Measure what the start of each command costs: processor time of the whole process, user and system.

    python -m bench.speed.startup                       this checkout
    python -m bench.speed.startup --before ../other     compared with another checkout

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


def spent(command: Sequence[str], root: Path) -> float:
    """Seconds of processor of one run, which must end well; its bytecode is kept as an installed package's is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=root, env={**kept, "PYTHONPATH": str(root)}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wirewatch(name: str, folder: Path) -> list[str]:
    where = () if name.startswith("--") else ("--config", str(folder))
    return [sys.executable, "-m", "bot", name, *where]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--before", type=Path, help="a checkout whose commands take turns with these")
    options = parser.parse_args()
    roots = [options.before.resolve(), ROOT] if options.before else [ROOT]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "config")
        spent([sys.executable, "-m", "bot", "init", str(folder)], ROOT)
        (folder / "feeds.yaml").write_text("feeds: []\n")
        commands = {(code, ROOT): [sys.executable, "-c", code] for code in FLOORS}
        commands |= {(name, root): wirewatch(name, folder) for name in ("once", *COMMANDS) for root in roots}
        for (_, root), command in commands.items():
            spent(command, root)
        seconds: dict[tuple[str, Path], list[float]] = {key: [] for key in commands}
        for _ in range(options.runs):
            for key, command in commands.items():
                seconds[key].append(spent(command, key[1]))
    medians = {key: statistics.median(found) for key, found in seconds.items()}
    print(f"seconds of processor, median of {options.runs} runs; aim {AIM_SECONDS}")
    for code in FLOORS:
        print(f"{f'python -c {code!r}':48}{medians[code, ROOT]:>8.2f}")
    for name in COMMANDS:
        figures = "".join(f"{medians[name, root]:>8.2f}" for root in roots)
        pairs = zip(*(seconds[name, root] for root in roots), strict=True)
        ratio = f"{statistics.median(pair[1] / pair[0] for pair in pairs):>8.2f} of before" if options.before else ""
        print(f"{f'wirewatch {name}':48}{figures}{ratio}")


if __name__ == "__main__":
    main()
