"""A secret is read at the moment of use and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import config, model
from tests.config import folders


def test_a_variable_is_read_when_it_is_needed() -> None:
    secret = model.Secret.parse("env:TOKEN")
    assert config.resolve_secret(secret, {"TOKEN": " xoxb-1\n"}) == "xoxb-1"
    assert str(secret) == repr(secret) == "***"
    assert "TOKEN" not in f"{secret}"


def test_an_unset_variable_is_named() -> None:
    for environ in ({}, {"TOKEN": ""}, {"TOKEN": "  "}):
        with pytest.raises(model.ConfigError, match="variable TOKEN is not set"):
            config.resolve_secret(model.Secret.parse("env:TOKEN"), environ)


def test_a_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-1\n", encoding="utf-8")
    assert config.resolve_secret(model.Secret.parse(f"file:{tmp_path}/token"), {}) == "xoxb-1"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"x" * 100_000])
def test_a_file_that_holds_no_secret_is_named_and_not_shown(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(model.ConfigError, match="token") as caught:
        config.resolve_secret(model.Secret.parse(f"file:{tmp_path}/token"), {})
    assert "xxx" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(model.ConfigError, match="none cannot be read"):
        config.resolve_secret(model.Secret.parse(f"file:{tmp_path}/none"), {})


@pytest.mark.parametrize(
    "written", ["xoxb-1", "", "env:", "env:TWO WORDS", "env:$TOKEN", "file:", "ENV:TOKEN", "$TOKEN"]
)
def test_anything_else_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(ValueError, match=r"secret|after env|after file") as caught:
        model.Secret.parse(written)
    assert not written or written not in str(caught.value) or written in ("env:", "file:")


def test_a_database_address_may_be_kept_in_a_variable(tmp_path: Path) -> None:
    folder = folders.make(tmp_path, bot="database: env:DATABASE_URL\n" + folders.BOT)
    bot = folders.load(folder, environ={"DATABASE_URL": "postgresql://me:pw@db/x"}).bot
    assert "pw" not in repr(bot)
    assert bot.database_address({"DATABASE_URL": "postgresql://me:pw@db/x"}) == "postgresql://me:pw@db/x"
    with pytest.raises(model.ConfigError, match="DATABASE_URL"):
        bot.database_address({})


def test_an_unset_variable_is_a_warning_and_the_bot_still_starts(tmp_path: Path) -> None:
    bot = 'channels: {alerts: {kind: console}, desk: {kind: slack, to: "#x", token: env:NO_SUCH}}\n'
    settings = folders.load(folders.make(tmp_path, bot=bot))
    assert [(problem.severity, problem.code) for problem in settings.problems] == [("warning", "unset-secret")]
    assert list(settings.bot.channels) == ["alerts", "desk"]


def test_a_token_of_the_page_that_can_be_guessed_is_a_warning_and_the_bot_still_starts(tmp_path: Path) -> None:
    web = "web: {listen: 127.0.0.1:8080, token: env:PAGE, tokens: {dashboard: {token: env:DASHBOARD}}}\n"
    folder = folders.make(tmp_path, bot=folders.BOT + web)
    settings = folders.load(folder, environ={"PAGE": "x" * 15, "DASHBOARD": "hunter2"})
    assert [(problem.severity, problem.code) for problem in settings.problems] == [("warning", "short-token")] * 2
    assert "hunter2" not in str(settings.problems)
    assert "openssl rand" in (settings.problems[0].help or "")
    assert not folders.load(folder, environ={"PAGE": "x" * 16, "DASHBOARD": "y" * 40}).problems


@pytest.mark.parametrize(
    "block",
    [
        "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: [same_event], key: Zq3vY7written}",
        "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: [same_event], kee: Zq3vY7written}",
        "model: {url: 'http://127.0.0.1:1/v1', name: m, uses: 3, api: {key: [Zq3vY7written]}}",
        "web: {listen: '127.0.0.1:1', token: Zq3vY7written}",
        "web: {listen: '127.0.0.1:1', tokn: Zq3vY7written}",
        "web: {listen: '127.0.0.1:1', tokens: {desk: {token: Zq3vY7written}}}",
        "web: {listen: '127.0.0.1:1', tokens: {desk: {tokn: Zq3vY7written}}}",
        "web: {listen: '127.0.0.1:1', tokens: {desk: Zq3vY7written}}",
        "web: {listen: '127.0.0.1:1', tokens: [Zq3vY7written]}",
        "web: {listen: '127.0.0.1:1', tokens: Zq3vY7written}",
    ],
)
def test_what_may_be_a_secret_written_out_is_not_in_the_lines_that_problems_show(block: str, tmp_path: Path) -> None:
    problems = folders.check(folders.make(tmp_path, bot=f"{folders.BOT}\n{block}\n"))
    assert any(problem.severity == "error" for problem in problems)
    shown = "".join(config.render_problems(problems, each) for each in ("text", "json", "github"))
    assert "Zq3vY7" not in shown
