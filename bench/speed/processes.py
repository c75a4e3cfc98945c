"""Read the processor time and memory that processes have used so far, from proc(5)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def spent(pids: Sequence[int]) -> float:
    """Seconds of processor of processes that live; those of PostgreSQL live as long as a worker's connection."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def peak_mb(pids: Sequence[int]) -> float:
    """The most memory that each has held, added up."""
    texts = (Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return sum(int(line.split()[1]) / 1024 for text in texts for line in text.splitlines() if line.startswith("VmHWM"))
