"""Problems as text, as JSON and as annotations; and nothing secret in any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import config
from bot.model.settings import Problem
from tests.config import folders

PROBLEM = Problem(
    severity="error",
    file="f",
    line=1,
    column=6,
    length=1,
    rule="R",
    code="x",
    message="m",
    help="h",
    source="\t日本é X",
)


def test_json_is_a_list_of_plain_objects() -> None:
    names = ("severity", "file", "line", "column", "rule", "code", "message", "help")
    assert json.loads(config.list_problems([PROBLEM])) == [{name: getattr(PROBLEM, name) for name in names}]
    assert json.loads(config.list_problems([])) == []


def test_the_caret_stands_right_under_wide_characters_and_tabs() -> None:
    line, caret = config.render_problems([PROBLEM]).splitlines()[1:3]
    assert line == " 1 | \t日本é X"
    assert caret == "   | \t      ^"


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


# -- nothing secret: a secret that is written out, beside a mistake or as one, and the value of a variable


IN_A_COMMENT = [
    "token: xoxb-1-hunter2",
    "  api_key: 'hunter2'",
    "password=hunter2",
    "url: https://hooks.slack.com/services/T0/B0/hunter2",
    "database: postgresql://bot:hunter2@db/x",
    "x: xapp-1-hunter2",
]
IN_BOT = [
    "database: postgresql://me:hunter2@host/x",
    "databse: postgresql://me:hunter2@host/x",
    "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: [same_event], key: hunter2}",
    "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: 3, api: {key: [hunter2]}}",
    "web: {listen: '127.0.0.1:1', token: hunter2}",
    "web: {listen: '127.0.0.1:1', tokn: hunter2}",
    "web: {listen: '127.0.0.1:1', tokens: {desk: {token: hunter2}}}",
    "web: {listen: '127.0.0.1:1', tokens: {desk: hunter2}}",
    "web: {listen: '127.0.0.1:1', tokens: [hunter2]}",
    "web: {listen: '127.0.0.1:1', tokens: hunter2}",
]
IN_CHANNELS = [
    "{a: {kind: slack, to: x, token: hunter2}}",
    "{a: {kind: slack, to: x, tokn: hunter2}}",
    "{a: {kind: unheard, key: hunter2}}",
    "{a: {kind: slack, to: x, token: [hunter2]}}",
    "{a: {kind: slack, to: x, token: hunter2",
    "{a: {kind: webhook, url: 'https://hunter2.example/x'}}",
    "{a: {kind: apprise, url: 'mailto://me:hunter2@example.org'}}",
    "{a: hunter2}",
]
#: Keys of a feed, which its host's group in bot.yaml takes too.
IN_A_FEED = [
    "headers: {X-Key: hunter2}",
    "headers: [hunter2]",
    'headers: {"X hunter2": env:TOKEN}',
    "headers: {Authorization: Bearer hunter2}",
    "header: {X: hunter2}",
    "cookies: {a: hunter2}",
    "auth: {bearer: hunter2}",
    "auth: {baerer: hunter2}",
    "auth: {basic: {user: me, password: hunter2}}",
    "Authorization: Bearer hunter2",
    "api_key: hunter2",
    "proxy: http://me:hunter2@proxy.example",
]
IN_VARIABLES = [
    "fetch: {every: '${SECRET}'}",
    "fetch: {every: '5 ${SECRET}'}",
    "fetch: {per_host: '${SECRET}'}",
    "operator: ${SECRET}",
    "timezone: ${SECRET}",
    "on_unknown: ${SECRET}",
    "quiet_hours: 22:00 to ${SECRET}",
    "routes: [{to: '${SECRET}'}]",
    "web: {listen: '127.0.0.1:8080', token: '${SECRET}'}",
    "database: ${SECRET}",
    "database: postgresql://bot:${SECRET}@db/x",
    "web: {listen: '${SECRET}'}",
]
CASES = [
    *(("bot.yaml", f"{folders.BOT}fetch: {{every: x}}  # {text}\n") for text in IN_A_COMMENT),
    *(("bot.yaml", f"channels: {channels}\n") for channels in IN_CHANNELS),
    *(("bot.yaml", f"{folders.BOT}{line}\n") for line in IN_BOT + IN_VARIABLES),
    *(("feeds.yaml", f"feeds:\n  - url: https://news.example/feed\n    {line}\n") for line in IN_A_FEED),
    *(("bot.yaml", f"{folders.BOT}fetch:\n  hosts:\n    news.example:\n      {line}\n") for line in IN_A_FEED),
]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_no_secret_comes_out_whatever_is_wrong(name: str, text: str, tmp_path: Path) -> None:
    folder = folders.write(folders.make(tmp_path), {name: text})
    values = ("hunter2-hunter3", "correct horse hunter2 hunter3", "hunter3," * 40)
    for secret in values if "${" in text else values[:1]:
        result = folders.check(folder, {"SECRET": secret})
        assert any(problem.severity == "error" for problem in result)
        assert "hunter" not in config.render_problems(result) + config.list_problems(result) + repr(result)
