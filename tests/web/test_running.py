"""The page inside a running bot, and the command that asks after its health."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.testbed import commands
from tests.testbed.servers import ports

ROOT = Path(__file__).parents[2]


def command(*words: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "bot", *words, "--config", str(folder)]


def run_probe(folder: Path) -> tuple[int, str]:
    done = commands.run(["probe", "--config", str(folder)], ROOT, os.environ)
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
    while run_probe(folder)[0] != 0:
        assert process.poll() is None
        time.sleep(0.2)


@pytest.mark.long
def test_run_serves_the_page_until_sigterm_and_ends_with_0(folder: Path) -> None:
    port = ports.free()
    with (folder / "bot.yaml").open("a") as bot:
        bot.write(f"web: {{listen: '127.0.0.1:{port}'}}\n")
    code, output = run_probe(folder)
    assert (code, f"no answer from 127.0.0.1:{port}" in output) == (1, True)
    with running(folder) as process:
        wait_until_ready(folder, process)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=300) as answer:
            numbers = answer.read().decode()
        assert 'wirewatch_polls_total{outcome="failed"}' in numbers
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=300)
    assert process.returncode == 0, log
    assert "status page" in log
    assert run_probe(folder)[0] == 1


@pytest.mark.long
def test_without_a_page_the_probe_looks_at_the_last_tick(folder: Path) -> None:
    code, output = run_probe(folder)
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


def test_the_probe_on_an_unreadable_configuration_ends_with_2(folder: Path) -> None:
    (folder / "bot.yaml").write_text("channels: [")
    assert run_probe(folder)[0] == 2
    (folder / "bot.yaml").unlink()
    assert run_probe(folder)[0] == 2


def test_the_probe_knows_a_stranger_at_its_address(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger, ThreadPoolExecutor(1) as thread:
        with (folder / "bot.yaml").open("a") as bot:
            bot.write(f"web: {{listen: '127.0.0.1:{stranger.getsockname()[1]}'}}\n")
        probing = thread.submit(run_probe, folder)
        connection, _ = stranger.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            code, output = probing.result()
    assert (code, "is not Wirewatch" in output) == (1, True)


def test_the_alert_rules_are_whole() -> None:
    (group,) = yaml.safe_load((ROOT / "docs" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]:
        assert rule["alert"].startswith("Wirewatch")
        assert rule["expr"]
        assert set(rule["annotations"]) == {"summary", "what_to_do"}
        assert rule["labels"]["severity"] in ("page", "ticket")
