"""Finds the real data that tests and benches read; it is never part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("WIREWATCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


def path(name: str) -> Path:
    """The folder of one data set; skips the test where it is absent."""
    folder = ROOT / name
    if not folder.exists():
        pytest.skip(f"real data absent: {folder} (set WIREWATCH_DATA to the folder that holds {name}/)")
    return folder
