"""The shipped configuration runs as it is."""

from __future__ import annotations

from pathlib import Path

from bot import app, config

SHIPPED = Path(__file__).parents[2] / "config"


def test_the_slack_line_stands_beside_the_console_as_a_comment(tmp_path: Path) -> None:
    text = (SHIPPED / "bot.yaml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "kind: slack" in line)
    assert line.lstrip().startswith("# ")
    (tmp_path / "bot.yaml").write_text(text.replace(line, line.replace("# ", "", 1)), encoding="utf-8")
    loaded = config.try_load(tmp_path, environ={"SLACK_BOT_TOKEN": "x"}, kinds=app.kinds())[0]
    assert [problem for problem in loaded if problem.file.endswith("bot.yaml")] == []
