"""``${NAME}`` in a value of bot.yaml is replaced by an environment variable; its value is never shown in a message."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.config import folders
from tests.testbed.commands import call


def test_a_variable_is_a_value_or_a_part_of_one_and_two_dollar_signs_are_the_text_itself(tmp_path: Path) -> None:
    lines = """\
fetch:
  per_host: ${PER_HOST}
  every: ${MINUTES} minutes
  allow_private: ["${NET}", 127.0.0.0/8]
  contact: $${NAME} $x
quiet_hours: ${FROM} to ${TO}
web:
  listen: ${HOST}:${PORT}
"""
    hours = {"FROM": "22:00", "TO": "07:00"}
    values = {"PER_HOST": "7", "MINUTES": "9", "NET": "10.0.0.0/8", "HOST": "127.0.0.1", "PORT": " 8080 "}
    bot = folders.load(folders.make(tmp_path, bot=folders.BOT + lines), environ=hours | values).bot
    assert (bot.fetch.per_host, bot.fetch.every) == (7, timedelta(minutes=9))
    assert bot.fetch.allow_private == ("10.0.0.0/8", "127.0.0.0/8")
    assert bot.fetch.contact == "${NAME} $x"
    assert bot.quiet_hours is not None
    assert bot.web is not None
    assert bot.web.listen == "127.0.0.1:8080"


@pytest.mark.parametrize("blank", ["", " "])
def test_a_variable_without_a_value_is_not_set(tmp_path: Path, blank: str) -> None:
    folder = folders.make(tmp_path, bot=folders.BOT + "fetch: {contact: '${CONTACT}'}\n")
    [problem] = folders.check(folder, {"CONTACT": blank})
    assert (problem.code, problem.message) == ("variable", "the environment variable CONTACT is not set")


def test_the_log_has_the_level_and_the_form_that_the_environment_names(tmp_path: Path) -> None:
    folders.make(tmp_path / "config", feeds="feeds: [http://127.0.0.1:9/x.xml]\n")
    plain = call("once", "--now", "--verbose", folder=tmp_path, code=1, WIREWATCH_LOG_FORMAT="text").stderr
    assert "feed polled" in plain
    assert '"event"' not in plain
    refused = call("stories", folder=tmp_path, code=2, WIREWATCH_LOG_LEVEL="loud").stderr
    assert "the value must be one of debug, info, warning, error" in refused
