"""The image's health check, which needs nothing but bash."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed.servers.quiet import QuietHandler, serving_with

SCRIPT = Path(__file__).parents[2] / "scripts" / "healthy"


@contextmanager
def page(status: int, path: str = "/healthz/ready") -> Iterator[int]:
    """A status page that answers the path so; gives its port."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            self.answer(status if self.path == path else 404)

    with serving_with(Handler) as address:
        yield int(address.rpartition(":")[2])


def healthy(folder: Path, *words: str, **environ: str) -> int:
    # No other program is on the path, so the script needs none.
    environ.setdefault("PATH", "/nowhere")
    return subprocess.run([str(SCRIPT), str(folder), *words], env=environ, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    "line",
    [
        "web: {listen: 127.0.0.1:PORT}",
        'web:\n  listen: "0.0.0.0:PORT"',
        "web: {token: env:T, listen: ':PORT'}",
        'web: {listen: "${WEB_LISTEN}"}',
        "web:\n  listen: ${WEB_LISTEN}",
    ],
)
def test_it_asks_the_page_that_the_configuration_or_a_variable_names(line: str, tmp_path: Path) -> None:
    with page(200) as port:
        text = line.replace("PORT", str(port))
        (tmp_path / "bot.yaml").write_text(f"# listen: 10.0.0.1:1\n# listen: ${{OTHER}}\n{text}\n")
        assert healthy(tmp_path, WEB_LISTEN=f"127.0.0.1:{port}") == 0
    assert healthy(tmp_path, WEB_LISTEN=f"127.0.0.1:{port}") == 1


def test_a_bot_whose_database_is_out_is_not_ready_and_lives(tmp_path: Path) -> None:
    with page(503) as not_ready, page(200, "/healthz/live") as live:
        for port in (not_ready, live):
            (tmp_path / "bot.yaml").write_text(f"web: {{listen: 0.0.0.0:{port}}}\n")
            assert healthy(tmp_path) == 1
        assert healthy(tmp_path, "live") == 0


def test_without_a_page_the_bots_own_command_is_asked(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text("# web: {listen: 127.0.0.1:8080}\nchannels: {}\n")
    command = tmp_path / "wirewatch"
    command.write_text('#!/bin/bash\n[ "$*" = "status --ready --config ' + str(tmp_path) + '" ]\n')
    command.chmod(0o755)
    assert healthy(tmp_path, PATH=str(tmp_path)) == 0
