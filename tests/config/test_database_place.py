"""A relative database belongs to its configuration, and no archive at the place of earlier versions is left behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot import model
from bot.config import bot_keys
from testbed.commands import wirewatch

ADDRESS = "sqlite:///data/wirewatch.db"


def test_a_relative_path_starts_from_the_folder_of_its_configuration(tmp_path: Path) -> None:
    base = bot_keys.database_folder(tmp_path / "config", {})
    assert bot_keys.absolute_address(ADDRESS, base) == f"sqlite:///{tmp_path}/config/data/wirewatch.db"


def test_a_home_folder_comes_before_the_folder_of_the_configuration(tmp_path: Path) -> None:
    base = bot_keys.database_folder(tmp_path / "config", {bot_keys.HOME_VARIABLE: "/"})
    assert bot_keys.absolute_address(ADDRESS, base) == "sqlite:////data/wirewatch.db"


@pytest.mark.parametrize(
    "address", ["sqlite:////var/lib/x.db", "sqlite://", "sqlite:///:memory:", "postgresql://user@host/name"]
)
def test_any_other_address_stays_as_it_is(address: str, tmp_path: Path) -> None:
    assert bot_keys.absolute_address(address, tmp_path) == address


def test_a_folder_that_an_address_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(model.ConfigError, match="rename the folder"):
        bot_keys.absolute_address(ADDRESS, tmp_path / "what?")


def test_two_configurations_share_no_archive(tmp_path: Path) -> None:
    for name in ("one", "two"):
        wirewatch("init", name, folder=tmp_path)
        (tmp_path / name / "feeds.yaml").write_text("feeds: []\n")
        wirewatch("once", "--config", name, folder=tmp_path)
    found = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.db"))
    assert found == ["one/data/wirewatch.db", "two/data/wirewatch.db"]


@pytest.fixture
def stray(tmp_path: Path) -> Path:
    """A configuration whose archive is in the working directory, in a folder whose name needs quoting."""
    place = tmp_path / "our desk"
    place.mkdir()
    wirewatch("init", "config", folder=place)
    (place / "config" / "feeds.yaml").write_text("feeds: []\n")
    wirewatch("once", folder=place, WIREWATCH_HOME=str(place))
    assert (place / "data" / "wirewatch.db").is_file()
    return place


@pytest.mark.parametrize("command", [("once",), ("status",), ("stories",), ("backup", "copy.db")])
def test_an_archive_at_the_old_place_is_named_and_nothing_is_begun_anew(command: tuple[str, ...], stray: Path) -> None:
    told = wirewatch(*command, folder=stray, code=2).stderr
    assert f"{stray}/data/wirewatch.db exists" in told
    assert not (stray / "config" / "data").exists()


def test_the_line_that_it_names_moves_the_whole_archive(stray: Path) -> None:
    told = wirewatch("once", folder=stray, code=2).stderr
    line = next(line for line in told.splitlines() if " mv " in line)
    subprocess.run(line, shell=True, check=True, cwd=stray)
    assert list((stray / "data").iterdir()) == []
    wirewatch("status", folder=stray)
    wirewatch("once", folder=stray)


def test_the_other_line_begins_an_empty_archive_and_leaves_the_old_one(stray: Path) -> None:
    told = wirewatch("once", folder=stray, code=2).stderr
    line = next(line for line in told.splitlines() if " touch " in line)
    subprocess.run(line, shell=True, check=True, cwd=stray)
    wirewatch("once", folder=stray)
    assert (stray / "data" / "wirewatch.db").is_file()
    assert (stray / "config" / "data" / "wirewatch.db").stat().st_size > 0
