"""The environment that `make` sets up can install what the docs name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, env=environ or None, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_an_environment_without_pip_gets_one_that_installs(tmp_path: Path) -> None:
    place = tmp_path / "an environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    for _ in range(2):
        subprocess.run([place / "bin" / "python", ROOT / "scripts" / "give-pip"], check=True)
    assert run(place / "bin" / "pip", "list", "--format=freeze").stdout.startswith("pip==")
    assert str(place) in run(place / "bin" / "python", "-m", "pip", "--version").stdout


def test_a_python_that_is_too_old_is_named_with_the_goal_that_was_asked_for(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text('#!/bin/sh\nif [ "$1" = --version ]; then echo Python 3.10.1; echo more; fi\nexit "$#"\n')
    old.chmod(0o755)
    venv = f"VENV={tmp_path / 'venv'}"
    done = run("make", "--no-print-directory", "demo", f"PYTHON={old}", venv)
    assert done.returncode != 0
    assert f'"{old}" is Python 3.10.1.\nName another one: make demo PYTHON=python3.12' in done.stderr
    missing = run("make", "test", "PYTHON=no-such-python", venv)
    assert '"no-such-python" is absent.\nName another one: make test PYTHON=python3.12' in missing.stderr


def test_a_set_up_without_a_terminal_shows_every_few_seconds_that_it_works(tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text('#!/bin/sh\ncase "$2" in venv) sleep 6; exit 3;; esac\nexit 0\n')
    slow.chmod(0o755)
    environ = {"PYTHON": str(slow), "VENV": str(tmp_path / "venv"), "PATH": "/usr/bin:/bin"}
    done = run(ROOT / "scripts" / "setup", "run", **environ)
    assert done.returncode == 3
    assert done.stderr.endswith("(once) ...\n.\n"), done.stderr
