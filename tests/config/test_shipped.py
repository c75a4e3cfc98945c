"""The shipped configuration runs as it is, and is one that people may learn from."""

from __future__ import annotations

from pathlib import Path

from bot import app, config
from bot.model.rules import Severity

SHIPPED = Path(__file__).parents[2] / "config"


def _settings() -> config.Settings:
    return config.load(SHIPPED, environ={}, kinds=app.kinds())


def test_it_has_no_problem_and_no_warning() -> None:
    assert config.render_problems(_settings().problems) == ""


def test_it_needs_no_account_and_no_secret() -> None:
    bot = _settings().bot
    assert {name: channel.kind for name, channel in bot.channels.items()} == {"alerts": "console"}
    assert bot.operator == "alerts"
    assert bot.database == "sqlite:///data/wirewatch.db"


def test_the_slack_line_stands_beside_the_console_as_a_comment(tmp_path: Path) -> None:
    text = (SHIPPED / "bot.yaml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "kind: slack" in line)
    assert line.lstrip().startswith("# ")
    (tmp_path / "bot.yaml").write_text(text.replace(line, line.replace("# ", "", 1)), encoding="utf-8")
    loaded = config.try_load(tmp_path, environ={"SLACK_BOT_TOKEN": "x"}, kinds=app.kinds())[0]
    assert [problem for problem in loaded if problem.file.endswith("bot.yaml")] == []


def test_its_feeds_have_names_and_tags() -> None:
    feeds = _settings().feeds
    assert 20 <= len(feeds) <= 40
    assert all(feed.name and feed.tags for feed in feeds)
    assert {"technology", "policy", "security", "pakistan", "india"} <= {tag for feed in feeds for tag in feed.tags}


def test_every_rule_shows_what_it_must_find_and_what_it_must_not() -> None:
    loaded = [entry.rule for entry in _settings().rules]
    assert len(loaded) >= 8
    assert all(rule.must_match and rule.must_not_match for rule in loaded)
    assert any(rule.severity is Severity.HIGH for rule in loaded)
