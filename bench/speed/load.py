"""Measure how long a folder of many rich rules takes to load: cold, with its warnings, and after a change of one rule.

    python -m bench.speed.load                 5,000 and 20,000 rules
    python -m bench.speed.load 100000          the requirement of the design: under 60 s

A rich rule has three labelled lines of three terms (one of them a set), an exclusion, a note, a headline that it must
match and one that it must not: about 600 bytes; a file has 500 rules. For comparison, ``yaml.compose`` with the C
loader reads the same files in the same run, which gives nodes but no rules. Times are CPU seconds of one core. Each
size runs in a separate process, so that its peak of memory is measured alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

from bench.speed.match import Language
from bot import app, config

RULES_A_FILE = 500
SETS_A_FILE = 20
BOT = """channels:
  alerts: {kind: console}
operator: alerts
"""
FEEDS = """feeds:
  - {url: "https://news.example/feed.xml", name: Example News}
"""
Value = TypeVar("Value")


def write(folder: Path, count: int) -> None:
    language = Language(random.Random(1))
    (folder / "rules").mkdir(parents=True)
    (folder / "bot.yaml").write_text(BOT)
    (folder / "feeds.yaml").write_text(FEEDS)
    for first in range(0, count, RULES_A_FILE):
        sets = {f"set{number}": [language.term() for _ in range(5)] for number in range(SETS_A_FILE)}
        pieces = ["sets:\n", *(f"  {name}: [{', '.join(terms)}]\n" for name, terms in sets.items()), "rules:\n"]
        pieces += [_rule(language, number, sets) for number in range(first, min(first + RULES_A_FILE, count))]
        (folder / "rules" / f"desk{first // RULES_A_FILE:04}.yaml").write_text("".join(pieces))


def _rule(language: Language, number: int, sets: dict[str, list[str]]) -> str:
    name = f"set{number % SETS_A_FILE}"
    lines = [[language.term() for _ in range(3)] for _ in range(3)]
    headline = " ".join(terms[0].replace("*", "s") for terms in lines)
    return (
        f"  - name: Rule {number}\n"
        "    all:\n"
        f"      who:  [{', '.join(lines[0])}, ${name}]\n"
        f"      what: [{', '.join(lines[1])}]\n"
        f"      how:  [{', '.join(lines[2])}]\n"
        f"    none: [unsaid{number % 900}]\n"
        "    notify: alerts\n"
        "    severity: high\n"
        f"    note: asked for by the desk in week {number % 52}, see the plan of that week\n"
        f'    must_match: ["The {headline} of today"]\n'
        f'    must_not_match: ["{sets[name][0]} on its own, and no more of it"]\n'
    )


def spent(work: Callable[[], Value]) -> tuple[Value, float]:
    started = time.process_time()
    done = work()
    return done, time.process_time() - started


def compose(folder: Path) -> None:
    for path in sorted((folder / "rules").iterdir()):
        yaml.compose(path.read_text(), Loader=yaml.CSafeLoader)


def measure(count: int, is_plain: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, count)
        size = sum(path.stat().st_size for path in (folder / "rules").iterdir())
        if is_plain:
            _, composed = spent(lambda: compose(folder))
            print(f"{count:>8,} rules, {size / 1e6:.0f} MB: yaml.compose alone {composed:.1f} s", flush=True)
            return
        cold, cold_seconds = spent(lambda: load(folder, None))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        changed = folder / "rules" / "desk0000.yaml"
        changed.write_text(changed.read_text().replace("in week 0,", "in week 53,", 1))
        again, again_seconds = spent(lambda: load(folder, cold))
        # A made-up headline now and then has a word that its rule excludes.
        assert len(cold.rules) == len(again.rules) > 0.999 * count
        print(
            f"{count:>8,} rules: cold {cold_seconds:.1f} s ({cold_seconds / count * 1e6:,.0f} µs a rule, "
            f"{sum(problem.severity == 'warning' for problem in cold.problems):,} warnings), "
            f"one rule changed {again_seconds:.2f} s, peak {peak:,.0f} MB",
            flush=True,
        )


def load(folder: Path, previous: config.Settings | None) -> config.Settings:
    return config.load(folder, previous=previous, environ={}, kinds=app.kinds())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sizes", nargs="*", type=int, default=[5_000, 20_000], help="numbers of rules")
    for size in options.parse_args().sizes:
        for is_plain in (True, False):
            process = multiprocessing.get_context("spawn").Process(target=measure, args=(size, is_plain))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
