"""``${NAME}`` in a value of bot.yaml is replaced by an environment variable; its value is never shown in a message."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot import config
from bot.model.settings import Problem
from tests.config import folders
from tests.testbed.commands import call


def load(folder: Path, lines: str, **environ: str) -> config.Settings:
    return folders.load(folders.make(folder, bot=folders.BOT + lines), environ=environ)


def problem_of(folder: Path, lines: str, **environ: str) -> Problem:
    [problem] = folders.check(folders.make(folder, bot=folders.BOT + lines), environ)
    return problem


def test_a_variable_is_a_value_or_a_part_of_one(tmp_path: Path) -> None:
    lines = """\
fetch: {per_host: "${PER_HOST}", every: "${MINUTES} minutes", allow_private: ["${NET}", 127.0.0.0/8]}
quiet_hours: ${FROM} to ${TO}
web:
  listen: ${HOST}:${PORT}
"""
    values = {"PER_HOST": "7", "MINUTES": "9", "NET": "10.0.0.0/8", "FROM": "22:00", "TO": "07:00"}
    bot = load(tmp_path, lines, **values, HOST="127.0.0.1", PORT=" 8080 ").bot
    assert (bot.fetch.per_host, bot.fetch.every) == (7, timedelta(minutes=9))
    assert bot.fetch.allow_private == ("10.0.0.0/8", "127.0.0.0/8")
    assert bot.quiet_hours is not None
    assert bot.web is not None
    assert bot.web.listen == "127.0.0.1:8080"


def test_two_dollar_signs_are_the_text_itself(tmp_path: Path) -> None:
    assert load(tmp_path, "fetch: {contact: '$${NAME} $x'}\n").bot.fetch.contact == "${NAME} $x"


@pytest.mark.parametrize("environ", [{}, {"CONTACT": ""}, {"CONTACT": " "}])
def test_a_variable_that_is_not_set_is_an_error_at_its_place(tmp_path: Path, environ: dict[str, str]) -> None:
    problem = problem_of(tmp_path, "fetch:\n  contact: mail to ${CONTACT} # who\n", **environ)
    line = folders.BOT.count("\n") + 2
    assert (problem.code, problem.line, problem.column, problem.length) == ("variable", line, 20, 10)
    assert problem.message == "the environment variable CONTACT is not set"
    assert problem.help is not None
    assert "export CONTACT=" in problem.help


def test_a_malformed_reference_is_named(tmp_path: Path) -> None:
    for written in ("${", "${CONTACT:-me}", "${1}"):
        assert problem_of(tmp_path, f"fetch:\n  contact: {written}\n", CONTACT="x").code == "variable"


def test_the_error_about_a_secret_named_as_a_variable_shows_the_form_of_secrets(tmp_path: Path) -> None:
    problem = problem_of(tmp_path, "web: {listen: '127.0.0.1:8080', token: '${T}'}\n", T="a-token-of-the-page")
    assert problem.help is not None
    assert "env:" in problem.help


def test_the_log_has_the_level_and_the_form_that_the_environment_names(tmp_path: Path) -> None:
    folders.make(tmp_path / "config", feeds="feeds: [http://127.0.0.1:9/x.xml]\n")
    plain = call("once", "--now", "--verbose", folder=tmp_path, code=1, WIREWATCH_LOG_FORMAT="text").stderr
    assert "feed polled" in plain
    assert '"event"' not in plain
    refused = call("stories", folder=tmp_path, code=2, WIREWATCH_LOG_LEVEL="loud").stderr
    assert "the value must be one of debug, info, warning, error" in refused
