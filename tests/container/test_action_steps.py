"""The action's own steps, in order, as GitHub's runner runs them: its expressions, its shell, its variables."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.container.test_review_action import ROOT, GitHub, filled, filled_once, git, github, repository

__all__ = ["filled", "filled_once", "github", "repository"]

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
#: https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions: what `shell: bash` is.
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


def valued(text: str, contexts: Mapping[str, Any]) -> str:
    """With each expression's value in its place; a conjunction is its first false term, or its last."""

    def term(written: str) -> str:
        if written == "!cancelled()":
            return "true"
        name, _, expected = written.partition(" == ")
        value: Any = contexts
        for part in name.split("."):
            value = value[part]
        return str(value) if not expected else "true" if str(value) == expected.strip("'") else ""

    def all_of(match: re.Match[str]) -> str:
        values = [term(written.strip()) for written in match[1].split("&&")]
        return next((written for written in values if not written), values[-1])

    return EXPRESSION.sub(all_of, text)


def run(steps: list[dict[str, Any]], contexts: Mapping[str, Any], environ: Mapping[str, str]) -> list[tuple[str, int]]:
    """Return each step that ran, with its exit code; after a failure only steps that request it run."""
    exit_codes: list[tuple[str, int]] = []
    for step in steps:
        has_failed = any(code for _, code in exit_codes)
        if (has_failed and "cancelled()" not in step.get("if", "")) or not valued(step.get("if", "yes"), contexts):
            continue
        variables = {name: valued(value, contexts) for name, value in step.get("env", {}).items()}
        assert step["shell"] == "bash"
        done = subprocess.run(
            [*SHELL, step["run"]], cwd=environ["GITHUB_WORKSPACE"], env={**environ, **variables}, check=False
        )
        exit_codes.append((step["name"], done.returncode))
    return exit_codes


@pytest.mark.parametrize("installs", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.long
def test_a_pull_request_is_checked_tried_and_commented_by_the_steps_of_the_action(
    repository: tuple[Path, str], github: GitHub, tmp_path: Path, installs: bool
) -> None:
    """A runner has one commit of the repository and no base; the slow variant installs from the index."""
    folder, base = repository
    rules = next((folder / "config" / "rules").glob("*.yaml"))
    rules.write_text(rules.read_text().replace("[wombat*]", "[aardvark*]"))
    git(folder, "commit", "-qam", "narrower")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    workspace, temp = tmp_path / "workspace", tmp_path / "temp"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{folder}", str(workspace))
    shutil.copy(folder / "config" / "wirewatch.db", workspace / "archive.db")
    (temp / "wirewatch" / "bin").mkdir(parents=True)
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    inputs = {name: str(definition["default"]) for name, definition in action["inputs"].items()}
    inputs |= {"archive": "archive.db", "since": "8000d", "token": "good"}
    event = {"pull_request": {"number": 7, "base": {"sha": base}}}
    contexts = {"inputs": inputs, "runner": {"temp": str(temp)}, "github": {"event": event}}
    steps = [step for step in action["runs"]["steps"] if "run" in step]
    if not installs:
        steps = [step for step in steps if step["name"] != "Install Wirewatch"]
        command = temp / "wirewatch" / "bin" / "wirewatch"
        command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m bot "$@"\n')
        command.chmod(0o755)
    environ = {
        **{name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ},
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_WORKSPACE": str(workspace),
        "RUNNER_TEMP": str(temp),
    }
    assert run(steps, contexts, environ) == [(step["name"], 0) for step in steps]
    (comment,) = github.comments
    assert "### Wirewatch: 1 changed rule\n" in comment["body"]
    assert "No longer posted: " in comment["body"]
    assert (tmp_path / "summary.md").read_text() in comment["body"]

    broken = next((workspace / "config" / "rules").glob("*.yaml"))
    broken.write_text(broken.read_text().replace("notify: desk", "notfy: desk", 1))
    assert run(steps[-2:], contexts, environ)[0] == ("Check and try the rules", 1)
