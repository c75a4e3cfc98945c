"""Where a rule goes, as the commands tell it."""

from __future__ import annotations

from pathlib import Path

from tests.testbed import configs
from tests.testbed.commands import wirewatch

BOT = """\
database: sqlite:///w.db
channels: {desk: {kind: console}, night: {kind: console}}
routes:
  - {match: {hours: "22:00 to 07:00"}, to: night}
  - to: desk
"""
RULES = "rules:\n  - {name: Exits, all: {what: [exit]}}\n"


def test_check_explain_and_status_tell_where_a_rule_without_channels_goes(tmp_path: Path) -> None:
    configs.write(tmp_path, bot=BOT, rules=RULES)
    config, option = ("--config", str(tmp_path)), "night (22:00 to 07:00 UTC), else desk"
    assert f"Exits: {option}" in wirewatch("check", "--routes", *config, folder=tmp_path).stdout
    assert f"Goes to {option}" in wirewatch("explain", "Exits", *config, folder=tmp_path).stdout
    wirewatch("once", *config, folder=tmp_path)
    assert option in wirewatch("status", *config, folder=tmp_path, COLUMNS="200").stdout
    (tmp_path / "bot.yaml").write_text(BOT.replace("console", "consol"))
    broken = wirewatch("check", "--routes", *config, folder=tmp_path, code=1)
    assert 'unknown kind of channel "consol"' in broken.stdout
