"""The action that reviews rules: what its two scripts do in a repository, and at an API like GitHub's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.servers.quiet import QuietHandler, QuietServer, serving
from tests.web.conftest import filled, filled_once

__all__ = ["filled", "filled_once"]

ROOT = Path(__file__).parents[2]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def review(folder: Path, base: str, *, archive: str = "config/wirewatch.db") -> tuple[int, str, str]:
    """The exit code, what was printed, and the review."""
    command, result = folder / "wirewatch", folder / "review.md"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m bot "$@"\n')
    command.chmod(0o755)
    environ = {"WIREWATCH": str(command), "CONFIG": "config", "ARCHIVE": archive, "SINCE": "8000d", "BASE": base}
    done = subprocess.run(
        [ROOT / "scripts" / "review-rules"],
        cwd=folder,
        env={**os.environ, **environ, "REVIEW": str(result), "GITHUB_STEP_SUMMARY": str(folder / "summary.md")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, result.read_text() if result.exists() else ""


@pytest.fixture
def repository(filled: Path) -> tuple[Path, str]:
    """A repository with a configuration, its archive, and its first commit."""
    folder = filled.parent
    (folder / ".gitignore").write_text("*.db*\n*.lock\nwirewatch\n*.md\n")
    rules = next((filled / "rules").glob("*.yaml"))
    text = rules.read_text()
    rules.write_text(text[: text.index("  - name: Broken rule")])
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "rules")
    return folder, git(folder, "rev-parse", "HEAD")


@pytest.mark.long
def test_a_narrower_rule_is_reviewed_by_what_it_no_longer_posts(repository: tuple[Path, str]) -> None:
    folder, base = repository
    rules = next((folder / "config" / "rules").glob("*.yaml"))
    rules.write_text(rules.read_text().replace("[wombat*]", "[aardvark*]").replace("severity: high", "severity: low"))
    (rules.parent / "new.yaml").write_text("rules:\n  - {name: Any order, any: [order], notify: ops}\n")
    code, output, text = review(folder, base)
    assert code == 0, output
    assert "### Wirewatch: 3 changed rules" in text
    assert "| `Any order` | new | 0 | 1 | 0 | 1 |" in text
    assert "| `BlackBerry in Pakistan` | changed | 3 | 3 | 1 | 1 |" in text
    assert "`Wombats <b onclick=x>&</b>` no longer matches: 2" in text
    assert "#### Posted more: 1\n\n- 12-02" in text
    assert "#### No longer posted: " in text
    assert "`Wombat <script>" in text, "strangers' text is code, in which nothing is a link or a name to notify"
    assert (folder / "summary.md").read_text() == text


@pytest.mark.long
def test_a_rule_with_a_mistake_is_annotated_and_fails_the_job(repository: tuple[Path, str]) -> None:
    folder, base = repository
    rules = next((folder / "config" / "rules").glob("*.yaml"))
    rules.write_text(rules.read_text().replace("notify: desk", "notfy: desk", 1))
    code, output, text = review(folder, base)
    assert code == 1
    assert "::error file=config/rules/" in output
    assert 'unknown key "notfy"' in output
    assert text == ""


@pytest.mark.long
def test_without_an_archive_rules_are_only_checked_and_unchanged_ones_are_said_to_be(
    repository: tuple[Path, str],
) -> None:
    folder, base = repository
    assert review(folder, base, archive="")[::2] == (0, "")
    code, output, text = review(folder, base)
    assert (code, text) == (0, "### Wirewatch\n\nNo rule is new, changed or removed.\n"), output


class GitHub(QuietServer):
    """The comments of one pull request; nobody may write without the token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []


class Handler(QuietHandler):
    server: GitHub

    def _answer(self, status: int, body: object) -> None:
        self.answer(status, json.dumps(body).encode(), "application/json")

    def _body(self) -> str:
        text: str = json.loads(self.rfile.read(int(self.headers["content-length"])))["body"]
        return text

    def do_GET(self) -> None:  # noqa: N802
        path, _, query = self.path.partition("?")
        assert path == "/repos/o/r/issues/7/comments"
        page = int(query.rpartition("=")[2])
        self._answer(200, self.server.comments[100 * (page - 1) : 100 * page])

    def do_POST(self) -> None:  # noqa: N802
        text = self._body()
        if self.headers["authorization"] != "Bearer good":
            self._answer(403, {"message": "Resource not accessible by integration"})
            return
        url = f"{self.server.url}/repos/o/r/issues/comments/{len(self.server.comments)}"
        self.server.comments.append({"url": url, "body": text, "user": {"type": "Bot"}})
        self._answer(201, {})

    def do_PATCH(self) -> None:  # noqa: N802
        self.server.comments[int(self.path.rpartition("/")[2])]["body"] = self._body()
        self._answer(200, {})


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving(GitHub()) as server:
        yield server


def comment(github: GitHub, review: Path, *, token: str = "good") -> subprocess.CompletedProcess[str]:
    environ = {"TOKEN": token, "NUMBER": "7", "REVIEW": str(review), "GITHUB_REPOSITORY": "o/r"}
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "comment-review"],
        env={**os.environ, **environ, "GITHUB_API_URL": github.url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pull_request_has_one_comment_which_each_run_writes_anew(github: GitHub, tmp_path: Path) -> None:
    people = {"url": "x", "body": "<!-- wirewatch review --> quoted by a person", "user": {"type": "User"}}
    github.comments += [people] * 120
    review = tmp_path / "review.md"
    for text in ("first", "second", "x" * 100_000):
        review.write_text(text)
        done = comment(github, review)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert len(github.comments) == 121
        assert github.comments[-1]["body"].startswith(f"<!-- wirewatch review -->\n{text[:50]}")
        assert len(github.comments[-1]["body"]) <= 65_536
    assert github.comments[:120] == [people] * 120


def test_a_pull_request_from_a_fork_ends_well_without_a_comment(github: GitHub, tmp_path: Path) -> None:
    review = tmp_path / "review.md"
    review.write_text("text")
    done = comment(github, review, token="of a fork")
    assert done.returncode == 0
    assert done.stdout.startswith("::notice title=Wirewatch::The comment cannot be written (403)")
    assert comment(github, tmp_path / "none.md").returncode == 0


def test_the_action_hands_what_it_is_given_to_scripts_by_the_environment_only() -> None:
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    for step in steps:
        for script in [word for word in step.get("run", "").replace('"', "").split() if "/scripts/" in word]:
            assert (ROOT / script.replace("$GITHUB_ACTION_PATH/", "")).is_file()
