"""Measure what the start of each command costs: processor time of the whole process, user and system.

    python -m bench.speed.startup
    python -m bench.speed.startup --beside ../earlier    each command also in an earlier checkout, run in turns
    python -m bench.speed.startup --count check          what a command imports and builds, instead of its time

The configuration is the one that `init` writes, without its feeds, so that nothing is due; a first `once` makes the
database. The first lines are lower limits for a command that reads a configuration and a database: Python itself, and
the import of the necessary libraries. Commands take turns, so that a busy machine slows all of them; the ratio to an
earlier checkout says more than seconds.
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
#: Arguments of each command -> aim in seconds of processor, on a machine left alone.
COMMANDS = {
    ("--version",): 0.05,
    ("--help",): 0.15,
    ("check",): 0.38,
    ("explain", "BlackBerry"): 0.45,
    ("status",): 0.60,
    ("once",): 0.75,
}
#: Runs a command and prints on stderr the modules that it imports, the dataclasses that it builds and the regular
#: expressions that it compiles.
_COUNTING = """
import atexit, dataclasses, re, sys
count = {"dataclasses": 0, "patterns": 0}
def counted(name, function):
    def call(*arguments):
        count[name] += 1
        return function(*arguments)
    return call
dataclasses._process_class = counted("dataclasses", dataclasses._process_class)
re._compiler.compile = counted("patterns", re._compiler.compile)
from bot.__main__ import main
def report():
    own = sum(name.split(".")[0] == "bot" for name in sys.modules)
    print(f"{len(sys.modules)} modules, {own} of them our own;", count, file=sys.stderr)
atexit.register(report)
main()
"""


def spent(command: Sequence[str], root: Path = ROOT) -> float:
    """Seconds of processor of one run, which must end well; its bytecode is kept as an installed package's is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=root, env=kept, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wirewatch(arguments: Sequence[str], folder: Path) -> list[str]:
    where = () if arguments[0].startswith("--") else ("--config", str(folder))
    return [sys.executable, "-m", "bot", *arguments, *where]


def make_configuration(folder: Path, root: Path) -> None:
    """Write a configuration without feeds, and its database, with the program of this checkout."""
    spent([sys.executable, "-m", "bot", "init", str(folder)], root)
    (folder / "feeds.yaml").write_text("feeds: []\n")
    spent(wirewatch(("once",), folder), root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="an earlier checkout, for the same environment")
    parser.add_argument("--count", nargs="+", metavar="ARGUMENT", help="count what this command imports and builds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "config")
        make_configuration(folder, ROOT)
        if options.count:
            arguments = wirewatch(options.count, folder)[3:]
            subprocess.run(
                [sys.executable, "-c", _COUNTING, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
            )
            return
        roots = {ROOT: folder}
        if options.beside:
            roots[options.beside] = Path(place, "earlier")
            make_configuration(roots[options.beside], options.beside)
        measure(roots, options.runs)


def measure(roots: dict[Path, Path], runs: int) -> None:
    """Print the median and the lowest of each command, and the ratio of its median to that of the other checkout."""
    floors = {code: [spent([sys.executable, "-c", code]) for _ in range(runs)] for code in FLOORS}
    seconds: dict[tuple[tuple[str, ...], Path], list[float]] = {}
    for run in range(runs + 1):
        for arguments in COMMANDS:
            for root, folder in roots.items():
                measured = spent(wirewatch(arguments, folder), root)
                if run:  # the first run writes the bytecode
                    seconds.setdefault((arguments, root), []).append(measured)
    print(f"seconds of processor, median of {runs} runs")
    for code, times in floors.items():
        print(f"{'python -c ' + repr(code):52}{statistics.median(times):>6.2f}   lowest {min(times):.2f}")
    for arguments, aim in COMMANDS.items():
        now, *earlier = (statistics.median(seconds[arguments, root]) for root in roots)
        lowest = min(seconds[arguments, ROOT])
        beside = f"   earlier {earlier[0]:.2f}, ratio {now / earlier[0]:.2f}" if earlier else ""
        print(f"{'wirewatch ' + ' '.join(arguments):52}{now:>6.2f}   lowest {lowest:.2f}   aim {aim:.2f}{beside}")


if __name__ == "__main__":
    main()
