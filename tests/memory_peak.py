"""How much more memory this process held at a time than when it began, whatever earlier tests left behind (Linux)."""

from __future__ import annotations

import gc
import re
from pathlib import Path

_SELF = Path("/proc/self")


def begin() -> int:
    """Bytes held now; the peak counts anew from here on (proc(5), clear_refs)."""
    gc.collect()
    (_SELF / "clear_refs").write_text("5")
    return _bytes("VmRSS")


def since(begun: int) -> int:
    """Bytes of the peak above what was held at the beginning."""
    return _bytes("VmHWM") - begun


def _bytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", (_SELF / "status").read_text(), re.MULTILINE)
    assert found, f"{name} is not in /proc/self/status"
    return int(found[1]) * 1024
