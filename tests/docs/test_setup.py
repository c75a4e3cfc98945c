"""The environment that `make` sets up can install what the docs name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_an_environment_without_pip_gets_one_that_installs(tmp_path: Path) -> None:
    place = tmp_path / "an environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    for _ in range(2):
        subprocess.run([place / "bin" / "python", ROOT / "scripts" / "give-pip"], check=True)
    done = subprocess.run(
        [place / "bin" / "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pip==")
    done = subprocess.run(
        [place / "bin" / "python", "-m", "pip", "--version"], capture_output=True, text=True, check=True
    )
    assert str(place) in done.stdout
