"""Fuzz each reader of strangers' bytes in turn.

make fuzz                                       ten minutes over all targets
make fuzz FUZZ_SECONDS=3600
python -m tests.fuzz --target rss --seconds 60 --seed 7
python -m tests.fuzz --input .fuzz/rss-1a2b3c4d --target rss        one input again
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tests.fuzz.running import run
from tests.fuzz.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one; may be given more than once")
    parser.add_argument("--seed", type=int, default=None, help="the same inputs again")
    parser.add_argument("--kept", type=Path, default=Path(".fuzz"), help="where inputs that break something are kept")
    parser.add_argument("--input", type=Path, help="run one target over one file")
    options = parser.parse_args()
    names = options.target or list(TARGETS)
    if options.input:
        TARGETS[names[0]].run(options.input.read_bytes())
        return 0
    seed = random.randrange(10**6) if options.seed is None else options.seed
    options.kept.mkdir(exist_ok=True)
    is_broken = False
    for name in names:
        outcome = run(name, TARGETS[name], seconds=options.seconds / len(names), seed=seed, kept=options.kept)
        breaks = ", ".join(f"{count} times {what}" for what, count in outcome.broken.items()) or "nothing found"
        print(f"{name}: {outcome.runs} inputs, the slowest {outcome.slowest_seconds:.2f} seconds; {breaks}", flush=True)
        is_broken = is_broken or bool(outcome.broken)
    print(f"seed {seed}; inputs that broke something are in {options.kept}/" if is_broken else f"seed {seed}")
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main())
