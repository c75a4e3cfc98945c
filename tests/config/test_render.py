"""Problems as text, as JSON and as annotations; and nothing secret in any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import config
from bot.config import problems
from bot.model.settings import Problem
from tests.config import folders

PROBLEM = Problem(
    severity="error",
    file="config/rules/telecom.yaml",
    line=7,
    column=5,
    length=4,
    rule="R",
    code="unknown-key",
    message='unknown key "nome"',
    help='did you mean "none"?',
    source="    nome: [parent teacher association]",
)


def test_json_is_a_list_of_plain_objects() -> None:
    assert json.loads(config.list_problems([PROBLEM])) == [
        {
            "severity": "error",
            "file": "config/rules/telecom.yaml",
            "line": 7,
            "column": 5,
            "rule": "R",
            "code": "unknown-key",
            "message": 'unknown key "nome"',
            "help": 'did you mean "none"?',
        }
    ]
    assert json.loads(config.list_problems([])) == []


def test_the_caret_stands_right_under_wide_characters_and_tabs() -> None:
    problem = Problem(severity="error", file="f", line=1, column=6, length=1, code="x", message="m", source="\t日本é X")
    line, caret = config.render_problems([problem]).splitlines()[1:3]
    assert line == " 1 | \t日本é X"
    assert caret == "   | \t      ^"


def test_the_caret_stands_right_after_a_masked_secret(tmp_path: Path) -> None:
    feed = '{url: "https://example.org/feed?token=SECRET-SECRET", badfield: x}'
    [problem] = folders.check(folders.make(tmp_path, feeds=f"feeds:\n  - {feed}\n"))
    line, caret = config.render_problems([problem]).splitlines()[1:3]
    assert "SECRET" not in line
    assert line[caret.index("^") :].startswith("badfield")


def test_a_long_line_is_shown_around_the_caret(tmp_path: Path) -> None:
    query = "PTA OR " * 5000 + "badfield:x"
    result = folders.check(folders.make(tmp_path, rules=f"rules:\n  - {{name: R, notify: desk, query: '{query}'}}\n"))
    text = config.render_problems([problem for problem in result if problem.severity == "error"])
    assert len(text) < 1000
    line, caret = text.splitlines()[1:3]
    assert line[caret.index("^") :].startswith("badfield")


def test_text_cannot_steer_a_terminal(tmp_path: Path) -> None:
    result = folders.check(folders.make(tmp_path, rules='rules:\n  - {"na\u202eme\\e[31m": x}\n'))
    text = config.render_problems(result)
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    "line",
    [
        "token: xoxb-1-SECRET",
        "  api_key: 'SECRET'",
        "password=SECRET",
        "url: https://hooks.slack.com/services/T0/B0/SECRET",
        "database: postgresql://bot:SECRET@db/x",
        "x: xapp-1-SECRET",
        "web: {listen: a, token: SECRET}",
    ],
)
def test_a_text_like_a_secret_is_masked_in_place(line: str) -> None:
    masked = problems.mask_secrets(line)
    assert "SECRET" not in masked
    assert len(masked) == len(line)


@pytest.mark.parametrize(
    "bot",
    [
        "channels: {a: {kind: slack, to: x, token: SECRET}}\n",
        "channels: {a: {kind: slack, to: x, tokn: SECRET}}\n",
        "channels: {a: {kind: unheard, key: SECRET}}\n",
        "channels: {a: {kind: slack, to: x, token: [SECRET]}}\n",
        "channels: {a: {kind: slack, to: x, token: SECRET\n",
        "channels: {a: {kind: webhook, url: 'https://SECRET.example/x'}}\n",
        "channels: {a: {kind: apprise, url: 'mailto://me:SECRET@example.org'}}\n",
        "channels: {a: SECRET}\n",
        "database: postgresql://me:SECRET@host/x\nchannels: {a: {kind: console}}\n",
        "database: mysql://me:SECRET@host/x\nchannels: {a: {kind: console}}\n",
        "databse: postgresql://me:SECRET@host/x\nchannels: {a: {kind: console}}\n",
        "web: {listen: 127.0.0.1:1, token: SECRET}\nchannels: {a: {kind: console}}\n",
        "web:\n  listen: 127.0.0.1:1\n  token: SECRET\nchannels: {a: {kind: console}}\n",
        *(
            f"channels: {{a: {{kind: console}}}}\n{block}\n"
            for block in (
                "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: [same_event], key: SECRET}",
                "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: [same_event], kee: SECRET}",
                "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: 3, api: {key: [SECRET]}}",
                "web: {listen: '127.0.0.1:1', tokn: SECRET}",
                "web: {listen: '127.0.0.1:1', tokens: {desk: {token: SECRET}}}",
                "web: {listen: '127.0.0.1:1', tokens: {desk: {tokn: SECRET}}}",
                "web: {listen: '127.0.0.1:1', tokens: {desk: SECRET}}",
                "web: {listen: '127.0.0.1:1', tokens: [SECRET]}",
                "web: {listen: '127.0.0.1:1', tokens: SECRET}",
            )
        ),
    ],
)
def test_no_secret_comes_out_whatever_is_wrong(bot: str, tmp_path: Path) -> None:
    result = folders.check(folders.make(tmp_path, bot=bot))
    assert any(problem.severity == "error" for problem in result)
    assert "SECRET" not in config.render_problems(result)
    assert "SECRET" not in config.list_problems(result)
    assert "SECRET" not in repr(result)
