"""docs/adding-a-channel.md ends with a channel that works: its code runs in a copy of the program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.testing import channels as contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-channel.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with what the page adds to it."""
    folder = tmp_path_factory.mktemp("copy")
    passed_over = shutil.ignore_patterns("__pycache__")
    for name in ("bot", "config", "docs", "tests", "testbed"):
        shutil.copytree(ROOT / name, folder / name, ignore=passed_over)
    shutil.copy(ROOT / "pyproject.toml", folder)
    code, line, _ = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    (folder / "bot" / "channels" / "board.py").write_text(code, encoding="utf-8")
    suite = folder / "tests" / "channels" / "test_contract.py"
    text = suite.read_text(encoding="utf-8")
    kinds = "HTTP_KINDS = [\n"
    assert kinds in text
    suite.write_text(text.replace(kinds, f"{kinds}    {line.strip()},\n"), encoding="utf-8")
    return folder


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(copy), "BOARD_URL": "http://127.0.0.1:9/boards/1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.long
def test_the_channel_of_the_page_passes_the_contract_of_all_channels(copy: Path) -> None:
    done = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/channels/test_contract.py", "-k", "board")
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) == len(contract.CHECKS)


def test_bot_yaml_takes_the_channel_of_the_page_and_send_test_looks_at_it(copy: Path) -> None:
    bot_yaml = re.search(r"^## 4\. By hand\n+```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert bot_yaml
    world = copy / "world"
    (world / "rules").mkdir(parents=True)
    (world / "bot.yaml").write_text(bot_yaml[1], encoding="utf-8")
    (world / "feeds.yaml").write_text("feeds: [https://example.org/feed.xml]\n", encoding="utf-8")
    done = run(copy, "-m", "bot", "send-test", "board", "--check-only", "--config", str(world))
    assert (done.returncode, done.stdout.strip()) == (0, "ok    the board's address is set"), done.stderr


def test_the_code_of_the_page_is_as_the_projects_linter_wants_it(copy: Path) -> None:
    page = copy / "bot" / "channels" / "board.py"
    for check in (["check"], ["format", "--check"]):
        done = run(copy, "-m", "ruff", *check, "--config", str(copy / "pyproject.toml"), str(page))
        assert done.returncode == 0, done.stdout + done.stderr
