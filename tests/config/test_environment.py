"""A variable of the environment can set each key of bot.yaml, and a mistake in one is reported like any other."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import config
from bot.config import environment
from bot.model.access import Secret
from bot.model.errors import ConfigError
from tests.config import folders
from tests.testbed.commands import wirewatch

SCHEMA = json.loads((Path(__file__).parents[2] / "config" / "schema" / "bot.json").read_text(encoding="utf-8"))


def keys(shape: Any, prefix: str = "") -> list[str]:
    """Every key of the schema that is not a name chosen by the user."""
    collected = []
    for name, inner in shape.get("properties", {}).items():
        collected.append(prefix + name)
        for part in (inner, *inner.get("allOf", ()), *inner.get("anyOf", ())):
            if reference := part.get("$ref", "").rpartition("/")[2]:
                collected += keys(SCHEMA["definitions"][reference], f"{prefix}{name}.")
    return collected


def test_every_key_of_the_schema_has_a_variable_and_no_two_have_the_same() -> None:
    expected = {f"WIREWATCH_{key.upper().replace('.', '_')}" for key in keys(SCHEMA)}
    assert len(expected) > 25
    assert expected == set(environment.list_variables())
    assert len(set(environment.list_variables().values())) == len(environment.list_variables())


def load(folder: Path, **environ: str) -> config.BotSettings:
    return folders.load(folders.make(folder), environ=environ).bot


def test_a_variable_comes_before_the_file_and_reaches_into_blocks_that_it_has_not(tmp_path: Path) -> None:
    bot = load(
        tmp_path,
        WIREWATCH_OPERATOR="desk",
        WIREWATCH_FETCH_PER_HOST="7",
        WIREWATCH_FETCH_EVERY="9 minutes",
        WIREWATCH_FETCH_ALLOW_PRIVATE="[10.0.0.0/8, 127.0.0.1]",
        WIREWATCH_QUIET_HOURS="22:00 to 07:00 Asia/Karachi",
        WIREWATCH_KEEP="",
    )
    assert bot.operator == "desk"
    assert (bot.fetch.per_host, bot.fetch.every) == (7, timedelta(minutes=9))
    assert bot.fetch.allow_private == ("10.0.0.0/8", "127.0.0.1/32")
    assert bot.quiet_hours is not None
    assert bot.keep is None


def test_channels_are_set_as_a_whole_also_over_several_lines(tmp_path: Path) -> None:
    assert list(load(tmp_path, WIREWATCH_CHANNELS="{alerts: {kind: console}, desk: {kind: console}}").channels)
    several = load(tmp_path, WIREWATCH_CHANNELS="alerts:\n  kind: console\ndesk: {kind: console}\n")
    assert list(several.channels) == ["alerts", "desk"]


def test_a_secret_in_a_variable_stays_there(tmp_path: Path) -> None:
    environ = {
        "WIREWATCH_DATABASE": "postgresql://bot:hunter2@db/x",
        "WIREWATCH_WEB_LISTEN": "127.0.0.1:8080",
        "WIREWATCH_WEB_TOKEN": "hunter3",
    }
    settings = folders.load(folders.make(tmp_path), environ=environ)
    assert "hunter" not in repr(settings) + config.render_problems(settings.problems)
    assert settings.bot.database_address(environ) == environ["WIREWATCH_DATABASE"]
    assert settings.bot.web is not None
    assert settings.bot.web.token == Secret.parse("env:WIREWATCH_WEB_TOKEN")


def test_a_mistake_in_a_variable_is_told_with_its_place_and_what_to_write(tmp_path: Path) -> None:
    environ = {"WIREWATCH_FETCH_EVERY": "5 minuts", "WIREWATCH_OPERATOR": "desk"}
    with pytest.raises(ConfigError) as caught:
        folders.load(folders.make(tmp_path), environ=environ)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("environment", 1, 24)
    assert problem.source == "WIREWATCH_FETCH_EVERY: 5 minuts"
    assert "minuts" in str(caught.value)


def test_a_key_that_is_twice_in_a_variable_is_refused_with_the_line_of_the_first(tmp_path: Path) -> None:
    environ = {"WIREWATCH_DATABASE": "sqlite:///x.db", "WIREWATCH_FETCH": "every: 5 minutes\nevery: 6 minutes"}
    [problem] = folders.check(folders.make(tmp_path), environ)
    assert (problem.code, problem.file, problem.line) == ("duplicate-key", "environment", 3)
    assert problem.help == "it is already on line 2: join the two or remove one"


def test_a_misspelt_variable_is_named_and_one_of_your_own_is_not(tmp_path: Path) -> None:
    bot = folders.BOT + "web: {listen: 127.0.0.1:8080, token: env:WIREWATCH_TOKEN}\n"
    environ = {
        "WIREWATCH_FETCH_TIMOUT": "3",
        "WIREWATCH_TOKEN": "long-enough-for-a-token-of-the-page",
        "WIREWATCH_HOME": "/",
        "WIREWATCH_LOG_LEVEL": "info",
    }
    (problem,) = folders.load(folders.make(tmp_path, bot=bot), environ=environ).problems
    assert problem.severity == "warning"
    assert problem.help == "did you mean WIREWATCH_FETCH_TIMEOUT?"


def test_the_log_has_the_level_and_the_form_that_the_environment_names(tmp_path: Path) -> None:
    wirewatch("init", "config", folder=tmp_path)
    (tmp_path / "config" / "feeds.yaml").write_text("feeds: [http://127.0.0.1:9/x.xml, http://127.0.0.1:9/y.xml]\n")
    plain = wirewatch("once", "--now", "--verbose", folder=tmp_path, code=1, WIREWATCH_LOG_FORMAT="text").stderr
    assert "feed polled" in plain
    assert '"event"' not in plain
    refused = wirewatch("stories", folder=tmp_path, code=2, WIREWATCH_LOG_LEVEL="loud").stderr
    assert "the value must be one of debug, info, warning, error" in refused
