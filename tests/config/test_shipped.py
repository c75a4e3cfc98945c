"""The shipped configuration runs as it is, and is one that people may learn from."""

from __future__ import annotations

from pathlib import Path

from bot import app, config, model

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
    found = config.try_load(tmp_path, environ={"SLACK_BOT_TOKEN": "x"}, kinds=app.kinds())[0]
    assert [problem for problem in found if problem.file.endswith("bot.yaml")] == []


def test_its_feeds_have_names_and_tags() -> None:
    feeds = _settings().feeds
    assert 20 <= len(feeds) <= 40
    assert all(feed.name and feed.tags for feed in feeds)
    assert {"technology", "policy", "security", "pakistan", "india"} <= {tag for feed in feeds for tag in feed.tags}


def test_every_rule_shows_what_it_must_find_and_what_it_must_not() -> None:
    loaded = [entry.rule for entry in _settings().rules]
    assert len(loaded) >= 8
    assert all(rule.must_match and rule.must_not_match for rule in loaded)
    assert any(rule.severity is model.Severity.HIGH for rule in loaded)


EXAMPLE = """sets:
  blackberry_server: [BES, BlackBerry Enterprise Serv*]
rules:
  - name: BlackBerry backdoor demand in Pakistan
    all:                                     # every line must be mentioned, in any one of its wordings
      product:   [$blackberry_server, BlackBerry]
      regulator: [PTA, Pakistan Telecommunication Authority]
      demand:    [backdoor*, back door*, lawful access, unfettered access]
    none: [parent teacher association]
    notify: policy-desk                      # one channel or a list
    severity: high                           # low, normal (default), high
    must_match: ["BlackBerry quits Pakistan after PTA sought backdoor into BES"]
    must_not_match: ["School PTA meeting: enter by the back door"]
  - name: Any backdoor law
    query: |
      (backdoor* OR "exceptional access") NEAR/10 (law OR bill OR regulator*)
      NOT title:(Windows OR malware)
    notify: [policy-desk, alerts]
"""
EXAMPLE_BOT = """database: sqlite:///data/wirewatch.db       # or postgresql://user@host/db
timezone: UTC
channels:
  alerts:      {kind: console}
  policy-desk: {kind: slack, to: "#policy-alerts", token: env:SLACK_BOT_TOKEN}
  ops-hook:    {kind: webhook, url: env:OPS_HOOK_URL}
  elsewhere:   {kind: apprise, url: env:APPRISE_URL}
operator: alerts                            # where the bot speaks about itself
fetch: {every: 5 minutes, concurrency: 64, per_host: 2, timeout: 20 seconds, max_bytes: 10 MB, backfill: 24 hours,
        allow_private: [], contact: ops@example.org}
stories: {window: 14 days}                  # since the last article that joined
quiet_hours: 22:00 to 07:00 Asia/Karachi     # high severity still passes
web: {listen: 127.0.0.1:8080}
"""
EXAMPLE_FEEDS = """feeds:
  - https://feeds.bbci.co.uk/news/technology/rss.xml
  - {url: "https://www.dawn.com/feeds/home", name: Dawn, every: 2 minutes, full_text: when_needed, tags: [pakistan],
     owner: Dawn Media}
"""


def test_the_example_of_the_guide_works_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "telecom.yaml").write_text(EXAMPLE, encoding="utf-8")
    (tmp_path / "bot.yaml").write_text(EXAMPLE_BOT, encoding="utf-8")
    (tmp_path / "feeds.yaml").write_text(EXAMPLE_FEEDS, encoding="utf-8")
    environ = {"SLACK_BOT_TOKEN": "x", "OPS_HOOK_URL": "https://h.example/", "APPRISE_URL": "json://h.example"}
    settings = config.load(tmp_path, environ=environ, kinds=app.kinds())
    assert [problem for problem in settings.problems if problem.severity == "error"] == []
    assert len(settings.rules) == 2
    assert len(settings.feeds) == 2
    assert len(settings.bot.channels) == 4
