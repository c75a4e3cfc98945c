"""Durations, sizes, times, zones, dates and addresses, as people write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import config, keys
from bot.config import feeds_file, nodes, yaml_errors
from bot.config.settings import HOME_VARIABLE, absolute_address, database_folder, parse_database, parse_listen
from bot.model.access import Secret
from bot.model.errors import ConfigError
from tests.config import folders


@pytest.mark.parametrize(
    ("read", "written", "value"),
    [
        (keys.parse_duration, "90 seconds", timedelta(seconds=90)),
        (keys.parse_duration, "5 min", timedelta(minutes=5)),
        (keys.parse_duration, "30d", timedelta(days=30)),
        (keys.parse_duration, "1.5 hours", timedelta(minutes=90)),
        (keys.parse_duration, "2 Weeks", timedelta(weeks=2)),
        (keys.parse_size, "10 MB", 10**7),
        (keys.parse_size, "500kB", 500_000),
        (keys.parse_size, "1.5 MiB", 1_572_864),
        (keys.parse_size, "4096", 4096),
        (keys.parse_quiet_hours, "22:00 to 07:00 Asia/Karachi", (time(22), time(7), ZoneInfo("Asia/Karachi"))),
        (keys.parse_quiet_hours, "9:30 to 10:00", (time(9, 30), time(10), None)),
        (keys.parse_until, "2026-12-31", (datetime(2026, 12, 31), True)),  # noqa: DTZ001
        (keys.parse_until, "2026-12-31 18:00", (datetime(2026, 12, 31, 18), False)),  # noqa: DTZ001
    ],
)
def test_a_value_is_read_as_people_write_it(read: Callable[[str], object], written: str, value: object) -> None:
    assert read(written) == value


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_clear_refusal(text: str) -> None:
    for read in (
        keys.parse_duration,
        keys.parse_size,
        keys.parse_zone,
        keys.parse_quiet_hours,
        keys.parse_until,
        parse_listen,
        feeds_file.expand_address,
        parse_database,
    ):
        try:
            read(text)
        except keys.InvalidValue as wrong:
            assert str(wrong)  # noqa: PT017 (every reader refuses in the same way)


# -- a secret is read at the moment of use and never shown


def test_a_secret_is_read_when_it_is_needed_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-1\n", encoding="utf-8")
    secret = Secret.parse("env:TOKEN")
    for written in (secret, Secret.parse(f"file:{tmp_path}/token")):
        assert config.resolve_secret(written, {"TOKEN": " xoxb-1\n"}) == "xoxb-1"
    assert str(secret) == repr(secret) == "***"
    with pytest.raises(ConfigError, match="variable TOKEN is not set"):
        config.resolve_secret(secret, {"TOKEN": "  "})


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe\x00", b"x" * 100_000])
def test_a_file_without_a_secret_is_named_and_its_content_is_not_shown(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigError, match="token") as caught:
        config.resolve_secret(Secret.parse(f"file:{tmp_path}/token"), {})
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("written", ["xoxb-1", "", "env:", "env:TWO WORDS", "env:$TOKEN", "file:", "ENV:TOKEN"])
def test_anything_else_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(ValueError, match=r"secret|after env|after file|without \$") as caught:
        Secret.parse(written)
    assert not written or written not in str(caught.value) or written in ("env:", "file:")


def test_a_database_address_may_be_kept_in_a_variable(tmp_path: Path) -> None:
    folder = folders.make(tmp_path, bot="database: env:DATABASE_URL\n" + folders.BOT)
    bot = folders.load(folder, environ={"DATABASE_URL": "postgresql://me:pw@db/x"}).bot
    assert "pw" not in repr(bot)
    assert bot.database_address({"DATABASE_URL": "postgresql://me:pw@db/x"}) == "postgresql://me:pw@db/x"
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        bot.database_address({})


def test_a_token_of_the_page_that_can_be_guessed_is_a_warning_and_the_bot_still_starts(tmp_path: Path) -> None:
    web = "web: {listen: 127.0.0.1:8080, token: env:PAGE, tokens: {dashboard: {token: env:DASHBOARD}}}\n"
    folder = folders.make(tmp_path, bot=folders.BOT + web)
    settings = folders.load(folder, environ={"PAGE": "x" * 15, "DASHBOARD": "hunter2"})
    assert [(problem.severity, problem.code) for problem in settings.problems] == [("warning", "short-token")] * 2
    assert "hunter2" not in str(settings.problems)
    assert "openssl rand" in (settings.problems[0].help or "")
    assert not folders.load(folder, environ={"PAGE": "x" * 16, "DASHBOARD": "y" * 40}).problems


# -- the caret points to the exact character, however a value is written


@given(st.text(max_size=200))
def test_any_text_gives_nodes_or_one_located_error(text: str) -> None:
    try:
        document = nodes.parse_yaml(text)
    except yaml_errors.UnreadableYaml as error:
        refused = error.flaw
    else:
        for scalar in nodes.walk(document.root) if document.root else ():
            assert 0 <= scalar.start <= scalar.end <= len(text)
        return
    assert 0 <= refused.start <= len(text)
    assert refused.message
    assert refused.help


@pytest.mark.parametrize(
    ("body", "marked"),
    [
        ("query: |\n      PTA AND\n        (backdoor* AND badfield:x)", "badfield"),
        ("query: >\n      PTA AND\n      (backdoor* AND badfield:x)", "badfield"),
        ('query: "PTA AND \\"a b\\" AND badfield:x"', "badfield"),
        ("query: PTA AND\n      badfield:x", "badfield"),
        ("query: 'don''t AND badfield:x'", "badfield"),
        ('any: ["so \\"a\\" b"]', '"'),
        ("any: ['{$x}', BlackBerry]", "{$x}"),
    ],
)
def test_the_caret_points_to_the_exact_characters_however_they_are_written(
    body: str, marked: str, tmp_path: Path
) -> None:
    rules = f"rules:\n  - name: R\n    notify: desk\n    {body}\n"
    found = folders.check(folders.make(tmp_path, rules=rules))
    [problem] = [problem for problem in found if problem.code != "no-examples"]
    assert rules.splitlines()[problem.line - 1][problem.column - 1 :][: problem.length] == marked


# -- a relative database belongs to its configuration


ADDRESS = "sqlite:///data/wirewatch.db"


@pytest.mark.parametrize(
    ("address", "environ", "absolute"),
    [
        (ADDRESS, {}, "sqlite:///{folder}/data/wirewatch.db"),
        (ADDRESS, {HOME_VARIABLE: "/"}, "sqlite:////data/wirewatch.db"),
        ("sqlite:////var/lib/x.db", {}, "sqlite:////var/lib/x.db"),
        ("sqlite:///:memory:", {}, "sqlite:///:memory:"),
        ("postgresql://user@host/name", {}, "postgresql://user@host/name"),
    ],
)
def test_a_relative_path_starts_from_the_home_folder_or_the_folder_of_the_configuration(
    address: str, environ: dict[str, str], absolute: str, tmp_path: Path
) -> None:
    assert absolute_address(address, database_folder(tmp_path, environ)) == absolute.format(folder=tmp_path)


def test_a_folder_that_an_address_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rename the folder"):
        absolute_address(ADDRESS, tmp_path / "what?")
