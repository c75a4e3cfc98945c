"""The page inside a running bot, and the command that asks after its health."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.testbed import commands
from tests.testbed.servers import ports

ROOT = Path(__file__).parents[2]


def command(*words: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "bot", *words, "--config", str(folder)]


def check_readiness(folder: Path) -> tuple[int, str]:
    done = commands.run(["status", "--ready", "--config", str(folder)], ROOT, os.environ)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration whose one feed cannot be reached."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("rules:\n  - {name: A, all: [BlackBerry], notify: alerts}\n")
    (tmp_path / "feeds.yaml").write_text("feeds:\n  - http://127.0.0.1:9/feed.xml\n")
    (tmp_path / "bot.yaml").write_text(
        f"database: sqlite:///{tmp_path}/w.db\nchannels:\n  alerts: {{kind: console}}\nfetch: {{timeout: 2 seconds}}\n"
    )
    return tmp_path


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("run", folder=folder),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until_ready(folder: Path, process: subprocess.Popen[str]) -> None:
    while check_readiness(folder)[0] != 0:
        assert process.poll() is None
        time.sleep(0.2)


@pytest.mark.long
def test_run_serves_the_page_until_sigterm_and_ends_with_0(folder: Path) -> None:
    port = ports.free()
    with (folder / "bot.yaml").open("a") as bot:
        bot.write(f"web: {{listen: '127.0.0.1:{port}'}}\n")
    with running(folder) as process:
        wait_until_ready(folder, process)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=300) as answer:
            numbers = answer.read().decode()
        assert 'wirewatch_polls_total{outcome="failed"}' in numbers
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=300)
    assert process.returncode == 0, log
    assert "status page" in log
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=10)


@pytest.mark.long
def test_a_bot_is_ready_once_it_has_looked_for_due_feeds(folder: Path) -> None:
    code, output = check_readiness(folder)
    assert (code, "it does not exist yet" in output) == (1, True)
    with running(folder) as process:
        wait_until_ready(folder, process)


def test_a_page_that_others_could_reach_without_a_token_stops_the_start(folder: Path) -> None:
    with (folder / "bot.yaml").open("a") as bot:
        bot.write(f"web: {{listen: '0.0.0.0:{ports.free()}'}}\n")
    done = commands.run(["run", "--config", str(folder)], ROOT, os.environ)
    assert done.returncode == 2
    assert "web.token is needed" in done.stderr
    assert "bot.yaml:" in done.stderr
    assert "Traceback" not in done.stderr


def test_readiness_with_an_unreadable_configuration_ends_with_2(folder: Path) -> None:
    (folder / "bot.yaml").write_text("channels: [")
    assert check_readiness(folder)[0] == 2
    (folder / "bot.yaml").unlink()
    assert check_readiness(folder)[0] == 2


def test_the_alert_rules_are_whole() -> None:
    (group,) = yaml.safe_load((ROOT / "docs" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]:
        assert rule["alert"].startswith("Wirewatch")
        assert rule["expr"]
        assert set(rule["annotations"]) == {"summary", "what_to_do"}
        assert rule["labels"]["severity"] in ("page", "ticket")
