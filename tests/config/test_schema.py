"""The committed JSON Schemas are fresh, valid, and agree with check on good files, as the shipped ones are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from bot import app, config
from tests.config import mistake_cases

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config"


class _EditorLoader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: numbers, true, false and null; no dates, no NO for false."""


_EditorLoader.yaml_implicit_resolvers = {}
_EditorLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF")
)
_EditorLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_EditorLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])


def _as_an_editor_reads_it(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_EditorLoader)


def _kind(path: Path) -> str:
    return path.stem if path.name in ("bot.yaml", "feeds.yaml") else "rules"


@pytest.fixture(scope="module")
def schemas() -> dict[str, dict[str, object]]:
    return config.make_schemas(app.kinds().built_in)


def test_the_committed_schemas_are_fresh(schemas: dict[str, dict[str, object]]) -> None:
    for kind, schema in schemas.items():
        committed = json.loads((SHIPPED / "schema" / f"{kind}.json").read_text(encoding="utf-8"))
        assert committed == json.loads(json.dumps(schema)), "run make schema"


#: Slack's app manifest is not a configuration file.
_SHIPPED_FILES = [path for path in sorted(SHIPPED.rglob("*.yaml")) if "slack" not in path.name]
_GOOD = [
    *(path for path in _SHIPPED_FILES if path.parent.name in ("config", "rules")),
    *sorted(mistake_cases.GOOD.rglob("*.yaml")),
]


@pytest.mark.parametrize("path", _GOOD, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_independent_validator_finds_good_files_good(path: Path, schemas: dict[str, dict[str, object]]) -> None:
    errors = list(jsonschema_rs.Draft7Validator(schemas[_kind(path)]).iter_errors(_as_an_editor_reads_it(path)))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    ("kind", "text", "is_valid"),
    [
        ("bot", "channels: {a: {kind: nonsense}}", False),
        ("bot", "channels: {a: {kind: slack, to: x, tokn: env:X}}", False),
        ("bot", "channels: {a: {kind: slack, to: x, token: literal}}", False),
        ("bot", "channels: {a: {kind: console}}\nfetch: {every: 5}", False),
        ("bot", "channels: {a: {kind: console}}\nunknown: 1", False),
        ("feeds", "feeds: [{name: x}]", False),
        ("feeds", "feeds: [{url: 'https://h/x', full_text: sometimes}]", False),
        ("rules", "rules: [{notify: y}]", False),
        ("rules", "rules: [{name: x, notify: y, nome: [z]}]", False),
        ("rules", "rules: [{name: x, notify: y, severity: urgent}]", False),
        ("rules", "rules: [{name: x, notify: y, all: []}]", False),
        ("rules", "rules: [{name: x, notify: [y, z], all: {a: [NO, 007, 22:00, '{EXACT}', 'title: X']}}]", True),
        (
            "rules",
            "rules: [{name: x, notify: y, query: a, until: 2026-12-31, when: brief, expect: every 2 days}]",
            True,
        ),
        ("rules", "sets: {s: [a, '{B}']}\nrules: [{name: x, notify: y, any: [$s], must_match: [a, {body: b}]}]", True),
        ("rules", "rules: [{name: x, notify: y, all: word, none: [a b], paused: true, min_outlets: 2}]", True),
    ],
)
def test_an_editor_marks_what_check_refuses_and_accepts_every_shorthand(
    kind: str, text: str, is_valid: bool, schemas: dict[str, dict[str, object]]
) -> None:
    data = yaml.load(text, Loader=_EditorLoader)
    assert jsonschema_rs.Draft7Validator(schemas[kind]).is_valid(data) is is_valid


@pytest.mark.parametrize("path", _SHIPPED_FILES, ids=lambda path: path.name)
def test_each_shipped_file_names_its_schema_in_its_first_line(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    matching = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert matching is not None
    assert (path.parent / matching[1]).resolve() == (SHIPPED / "schema" / f"{_kind(path)}.json").resolve()


def test_the_slack_line_stands_beside_the_console_as_a_comment(tmp_path: Path) -> None:
    text = (SHIPPED / "bot.yaml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "kind: slack" in line)
    assert line.lstrip().startswith("# ")
    (tmp_path / "bot.yaml").write_text(text.replace(line, line.replace("# ", "", 1)), encoding="utf-8")
    loaded = config.try_load(tmp_path, environ={"SLACK_BOT_TOKEN": "x"}, kinds=app.kinds())[0]
    assert [problem for problem in loaded if problem.file.endswith("bot.yaml")] == []
