"""A machine that has too much to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def machine() -> Iterator[None]:
    """Twice as many busy processes as there are processors."""
    command = (sys.executable, "-c", "while True: pass")
    hogs = [subprocess.Popen(command) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
