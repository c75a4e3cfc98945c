"""Runs a target for a while over seeds that are cut, joined and repeated; keeps each input that breaks a promise."""

from __future__ import annotations

import faulthandler
import hashlib
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.targets import Target

#: Of the processor, for an input of at most 30 KB: a hundred times what most take.
SLOW_SECONDS = 1.0
#: Nothing interrupts a regular expression: the process ends after this.
_HANG_SECONDS = 60
#: Longer ones find nothing more and take longer.
MAX_BYTES = 30_000


@dataclass(slots=True)
class Found:
    runs: int = 0
    slowest_seconds: float = 0.0
    #: What was broken -> how often.
    broken: Counter[str] = field(default_factory=Counter)


def run(name: str, target: Target, *, seconds: float, seed: int, kept: Path, most: int | None = None) -> Found:
    """``seconds`` long, or ``most`` inputs. The first input of each kind of break is written into ``kept``."""
    draw = random.Random(f"{name} {seed}")
    pool = list(target.seeds)
    found = Found()
    ends_at = time.monotonic() + seconds
    current = kept / f"{name.replace(' ', '-')}.current"
    while time.monotonic() < ends_at and found.runs != most:
        data = mutated(draw, pool, target.words) if found.runs >= len(pool) else pool[found.runs]
        # If it never ends, this is the input.
        current.write_bytes(data)
        faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)
        what, took = _tried(target, data)
        if what is None and took > SLOW_SECONDS:
            # Once more: the machine may have been busy.
            what, took = _tried(target, data)
            what = f"took {took:.1f} seconds" if took > SLOW_SECONDS else what
        faulthandler.cancel_dump_traceback_later()
        found.runs += 1
        found.slowest_seconds = max(found.slowest_seconds, took)
        if what is not None:
            kind = what.partition(":")[0] if not what.startswith("took") else "slow"
            if not found.broken[kind]:
                (kept / f"{name.replace(' ', '-')}-{hashlib.sha256(data).hexdigest()[:8]}").write_bytes(data)
                print(f"{name}: {what} ({len(data)} bytes)", flush=True)
            found.broken[kind] += 1
        elif draw.random() < 0.02 and len(data) < 5_000:
            # Changes of changes go further.
            pool.append(data)
            del pool[len(target.seeds) : -200]
    current.unlink(missing_ok=True)
    return found


def _tried(target: Target, data: bytes) -> tuple[str | None, float]:
    begun = time.process_time()
    what = None
    try:
        target.run(data)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it was not declared
        what = f"{type(error).__name__}: {error}"[:300]
    return what, time.process_time() - begun


def mutated(draw: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A seed after one to eight changes."""
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
            # What is quadratic shows only where there is much of it.
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
