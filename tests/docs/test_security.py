"""The threat model says nothing that no test shows, and the image is built of what is named exactly."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| who |", "| ---"))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row.split("|")[1:3]).strip())
def test_each_line_of_the_threat_model_names_tests_that_exist(row: str) -> None:
    named = _NAMED.findall(row)
    assert named, "no test shows it"
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in names, f"{file} has no {name}"


def test_every_dependency_of_the_image_is_locked_with_a_hash() -> None:
    for name in ("run", "postgres"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        entries = re.split(r"^(?=[A-Za-z0-9_.-]+==)", text, flags=re.MULTILINE)[1:]
        assert entries
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "--require-hashes" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_base_image_is_pinned_by_digest_and_renovate_finds_it() -> None:
    """The form of the build argument is the one that renovate.json finds and puts the digest into."""
    settings = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
    [manager] = settings["customManagers"]
    [form] = [re.compile(pattern.replace("(?<", "(?P<")) for pattern in manager["matchStrings"]]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    named = form.search(dockerfile)
    assert named is not None
    assert named["depName"] == "python"
    assert named["currentDigest"], "the base of the image has no digest"
    assert not re.findall(r"^FROM (?!\$\{PYTHON_IMAGE\})", dockerfile, re.MULTILINE), "a base that no argument names"
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    pulled = [image for image in re.findall(r"^ +image: (\S+)", compose, re.MULTILINE) if image != "wirewatch"]
    assert pulled
    assert [image for image in pulled if not re.fullmatch(r"[\w/.:-]+@sha256:[0-9a-f]{64}", image)] == []
    assert "docker-compose" in settings["enabledManagers"]
