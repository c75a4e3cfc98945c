"""Send damaged seeds through each door for strangers' bytes, and keep each input that breaks a promise.

make fuzz                                       ten minutes over all doors
make fuzz FUZZ_SECONDS=3600
python -m tests.hostile.fuzz --door rss --seconds 60 --seed 7
python -m tests.hostile.fuzz --input .fuzz/rss-1a2b3c4d --door rss        repeat one input
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.doors import DOORS, Door

#: Processor time for an input of at most 30 KB: a hundred times the usual.
SLOW_SECONDS = 1.0
#: A regular expression cannot be interrupted, so the process ends after this time.
_HANG_SECONDS = 60
#: Longer ones find nothing more and take longer.
MAX_BYTES = 30_000


@dataclass(slots=True)
class Result:
    runs: int = 0
    slowest_seconds: float = 0.0
    #: Promise broken -> number of times.
    broken: Counter[str] = field(default_factory=Counter)


def run(name: str, door: Door, *, seconds: float, seed: int, folder: Path, limit: int | None = None) -> Result:
    """Try inputs for ``seconds`` (at most ``limit``); write the first that breaks each promise into ``folder``."""
    draw = random.Random(f"{name} {seed}")
    pool = list(door.seeds)
    result = Result()
    ends_at = time.monotonic() + seconds
    current = folder / f"{name.replace(' ', '-')}.current"
    while time.monotonic() < ends_at and result.runs != limit:
        data = mutate(draw, pool, door.words) if result.runs >= len(pool) else pool[result.runs]
        # If it never ends, the input is in this file.
        current.write_bytes(data)
        faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)
        failure, seconds_used = _try(door, data)
        if failure is None and seconds_used > SLOW_SECONDS:
            # Try again: the machine may have been busy.
            failure, seconds_used = _try(door, data)
            failure = f"took {seconds_used:.1f} seconds" if seconds_used > SLOW_SECONDS else failure
        faulthandler.cancel_dump_traceback_later()
        result.runs += 1
        result.slowest_seconds = max(result.slowest_seconds, seconds_used)
        if failure is not None:
            kind = failure.partition(":")[0] if not failure.startswith("took") else "slow"
            if not result.broken[kind]:
                (folder / f"{name.replace(' ', '-')}-{hashlib.sha256(data).hexdigest()[:8]}").write_bytes(data)
                print(f"{name}: {failure} ({len(data)} bytes)", flush=True)
            result.broken[kind] += 1
        elif draw.random() < 0.02 and len(data) < 5_000:
            # Changing changed inputs reaches further.
            pool.append(data)
            del pool[len(door.seeds) : -200]
    current.unlink(missing_ok=True)
    return result


def _try(door: Door, data: bytes) -> tuple[str | None, float]:
    started = time.process_time()
    failure = None
    try:
        door.run(data)
    except Exception as error:  # noqa: BLE001 -- any undeclared exception breaks the promise
        failure = f"{type(error).__name__}: {error}"[:300]
    return failure, time.process_time() - started


def mutate(draw: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Return a seed after one to eight changes."""
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.randint(1, 8)):
        _change(draw, data, seeds, words)
        del data[MAX_BYTES:]
    return bytes(data)


def _change(draw: random.Random, data: bytearray, seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = draw.randint(0, len(data))
    to = min(len(data), at + draw.choice((1, 4, 30, 300)))
    match draw.randrange(9):
        case 0:
            del data[at:to]
        case 1:
            data[at:at] = draw.choice(words)
        case 2:
            data[at:to] = draw.choice(words)
        case 3:
            # Quadratic time shows only on long repetitions.
            data[at:at] = draw.choice(words) * draw.choice((2, 50, 2_000))
        case 4:
            data[at:at] = bytes(data[at:to]) * draw.choice((1, 10, 200))
        case 5:
            data[at:at] = draw.randbytes(draw.choice((1, 2, 8)))
        case 6:
            del data[at:]
        case 7:
            other = draw.choice(seeds)
            data[at:to] = other[draw.randint(0, len(other)) :]
        case _:
            for place in range(at, to):
                data[place] ^= 1 << draw.randrange(8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="for all doors together")
    parser.add_argument("--door", choices=DOORS, action="append", help="only this door; may be repeated")
    parser.add_argument("--seed", type=int, default=None, help="repeat the inputs of a run")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"), help="where inputs that break something are kept")
    parser.add_argument("--input", type=Path, help="send one file through one door")
    options = parser.parse_args()
    names = options.door or list(DOORS)
    if options.input:
        DOORS[names[0]].run(options.input.read_bytes())
        return 0
    seed = random.randrange(10**6) if options.seed is None else options.seed
    options.folder.mkdir(exist_ok=True)
    is_broken = False
    for name in names:
        result = run(name, DOORS[name], seconds=options.seconds / len(names), seed=seed, folder=options.folder)
        failures = ", ".join(f"{count} times {failure}" for failure, count in result.broken.items()) or "no failure"
        print(f"{name}: {result.runs} inputs, the slowest {result.slowest_seconds:.2f} seconds; {failures}", flush=True)
        is_broken = is_broken or bool(result.broken)
    print(f"seed {seed}; inputs that broke something are in {options.folder}/" if is_broken else f"seed {seed}")
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main())
