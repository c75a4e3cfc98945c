"""A new user's walk: each command of README.md and docs/start.md runs as typed and prints what the page shows.

The feeds are a local server's, and Slack is the strict local one; nothing else is changed.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.testbed.servers import slack
from tests.testbed.servers.quiet import QuietHandler, serving_with

ROOT = Path(__file__).parents[2]
#: Needs a network and minutes: scripts/release-test and scripts/image-test do the same.
_ELSEWHERE = re.compile(r"python3 -m venv|docker |export ")
_TYPED = re.compile(r"(make|\.venv/bin/\w+|python3|docker|export) ")
_FEED = """<rss version="2.0"><channel><title>Local news</title><link>http://news.example</link>
<item><guid>1</guid><title>Court orders WhatsApp to hand over messages</title><link>http://news.example/1</link></item>
</channel></rss>"""


class _Feed(QuietHandler):
    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        self.answer(200, _FEED.encode())


@dataclass(slots=True)
class Walk:
    """A checkout in which the commands of a page are typed."""

    folder: Path
    feed: str
    slack: slack.Server
    output: str = ""
    typed: list[str] = field(default_factory=list)

    def type(self, line: str) -> None:
        self.typed.append(line)
        environ = {**os.environ, "SLACK_BOT_TOKEN": slack.TOKEN, "COLUMNS": "200"}
        command = ["bash", "-c", f"exec {line}"]
        output = ""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            for text in process.stdout:
                output += text
                if "watching" in text.lower():
                    os.killpg(process.pid, signal.SIGINT)
        has_ended_well = '"event": "stopped"' in output if "watching" in output else process.returncode == 0
        assert has_ended_well, f"{line}\n{output}"
        assert "Traceback" not in output
        self.output += output
        if "wirewatch init" in line:
            self.use_local_feed(self.folder / shlex.split(line)[-1])
        for step in re.findall(r"^(?:  (?=\S+ (?:check|run) )|Next: )(\S*wirewatch .+)$", output, re.MULTILINE):
            # A printed next step works as it is printed; `init` of a page comes right after.
            if " init " not in step and step not in self.typed:
                self.type(step)

    def use_local_feed(self, config: Path) -> None:
        feeds = config / "feeds.yaml"
        feeds.write_text(re.sub(r"https://\S+", self.feed, feeds.read_text(encoding="utf-8")), encoding="utf-8")
        with (config / "bot.yaml").open("a", encoding="utf-8") as file:
            file.write("fetch: {allow_private: [127.0.0.0/8]}\n")

    def write(self, text: str) -> None:
        name = text.split()[1] if text.startswith("# my-config/") else ""
        if text.removeprefix(f"# {name}\n").startswith("channels:"):
            bot = self.folder / "my-config" / "bot.yaml"
            text = text.removeprefix(f"# {name}\n").replace(
                "env:SLACK_BOT_TOKEN}", f'env:SLACK_BOT_TOKEN, api_url: "{self.slack.api_url}"}}'
            )
            before = bot.read_text(encoding="utf-8")
            assert "channels:\n  alerts: {kind: console}\n" in before
            bot.write_text(before.replace("channels:\n  alerts: {kind: console}\n", text), encoding="utf-8")
        else:
            (self.folder / (name or "my-config/rules/telecom.yaml")).write_text(text, encoding="utf-8")

    def compare(self, shown: str) -> None:
        for line in shown.splitlines():
            assert line in self.output, f"{line!r} is not in:\n{self.output}"
        self.output = ""


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    folder = tmp_path / "wirewatch"
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in (".venv", "config", "data", ".git", "my-config"):
            (folder / path.name).symlink_to(path)
    # `make` has set this up: the environment of this test.
    venv = folder / ".venv"
    venv.mkdir()
    (venv / "bin").symlink_to(Path(sys.executable).parent)
    lock = (ROOT / "requirements" / "run.txt").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    stamp = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode()
    (venv / ".installed-run").write_text(stamp, encoding="utf-8")
    with serving_with(_Feed) as address, slack.serve() as workspace:
        workspace.workspace.add_channel("policy-alerts")
        walk = Walk(folder, f"{address}/feed", workspace)
        command = f"{venv}/bin/wirewatch init --minimal config"
        subprocess.run(shlex.split(command), cwd=folder, capture_output=True, check=True)
        walk.use_local_feed(folder / "config")
        yield walk


@pytest.mark.long
@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_each_command_of_the_page_runs_as_typed_and_prints_what_the_page_shows(page: str, walk: Walk) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.finditer(r"^ *```(yaml|text)\n(.*?)^ *```|^ {4,}(\S[^\n]*)$", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        kind, inside, line = block.groups()
        if kind == "yaml":
            walk.write(textwrap.dedent(inside))
        elif kind == "text":
            walk.compare(textwrap.dedent(inside))
        elif _TYPED.match(line) and not _ELSEWHERE.match(line):
            walk.type(re.sub(r"\s+# .*", "", line))
    assert len(walk.typed) > 8
    sent = walk.slack.workspace.messages("policy-alerts")
    assert any("This is a test message" in message["text"] for message in sent)
    if page == "docs/start.md":
        assert any("BlackBerry to leave Pakistan" in str(message["blocks"]) for message in sent)
