"""Runs a target for a while, and keeps each input that breaks a promise."""

from __future__ import annotations

import faulthandler
import hashlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import Target

#: Of the processor, for an input of at most 30 KB: a hundred times what most take.
SLOW_SECONDS = 1.0
#: Nothing interrupts a regular expression: the process ends after this.
_HANG_SECONDS = 60


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
