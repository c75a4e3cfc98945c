"""wirewatch model test: right answers, latency and cost by use."""

from __future__ import annotations

import json
import os
import pty
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.language_model import language_model
from tests.journeys.test_model_facts import chosen
from tests.journeys.world import RULES
from tests.testbed import commands, configs
from tests.testbed.servers import chat_completions, faulty

Server = faulty.Server[chat_completions.Model]
SUPPORT = "The company calls the demand a backdoor."


def same_event(data: dict[str, Any]) -> dict[str, Any]:
    is_other = any(words in data["article"]["headline"] for words in ("lifts ban", "India"))
    answer = {
        "verdict": "other" if is_other else "same",
        "stories": [] if is_other else [1],
        "words": data["article"]["headline"],
    }
    return {**answer, **facts(data)} if "updates" in data else answer


def facts(data: dict[str, Any]) -> dict[str, Any]:
    return chosen("moved the deadline", before="30 November", after="30 December")(data)


def relevance(data: dict[str, Any]) -> dict[str, Any]:
    is_school = "meeting" in data["article"]["headline"]
    words = data["article"]["headline"]
    return {"verdict": "irrelevant" if is_school else "relevant", "words": words, "reason": "It is a school."}


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(chat_completions.Model()) as serving:
        serving.service.answer_with("same_event", same_event)
        serving.service.answer_with("facts", facts)
        serving.service.answer_with("relevance", relevance)
        serving.service.answer_with("summary", lambda data: {"sentences": [{"text": SUPPORT, "support": SUPPORT}]})
        serving.service.answer_with(
            "translate", lambda data: {"texts": [f"Auf Deutsch: {text}" for text in data["texts"]]}
        )
        yield serving


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    uses = "[same_event, facts, summary]"
    model = f"model: {{url: '{server.url}/v1', name: local-model, key: env:MODEL_KEY, uses: {uses}}}\n"
    bot = f"channels: {{alerts: {{kind: console}}}}\n{model}"
    return configs.write(tmp_path, bot=bot, rules=RULES.replace("notify: desk", "notify: alerts"))


def asked(folder: Path, *words: str, code: int = 0) -> str:
    """Ask in this process: the client of the model takes most of a second to import."""
    environ = {"MODEL_KEY": chat_completions.KEY}
    done = CliRunner().invoke(language_model, ["test", "--config", str(folder), *words], env=environ)
    assert done.exit_code == code, done.output
    return done.stdout


def test_a_model_that_is_right_is_said_to_be_with_its_time_and_its_tokens(folder: Path) -> None:
    report = json.loads(asked(folder, "--json"))

    assert report["model"] == "local-model"
    counts = {use: (result["right"], result["asked"]) for use, result in report["uses"].items()}
    assert counts == {
        "same_event": (4, 4),
        "facts": (4, 4),
        "summary": (1, 1),
        "relevance": (2, 2),
        "translate": (1, 1),
    }
    assert all(
        result["tokens"] > 50 and result["seconds"] < 5 and not result["errors"] for result in report["uses"].values()
    )
    assert not (folder / "data").exists()
    shown = asked(folder)
    assert "relevance (not used)" in shown
    assert "2 of 2" in shown
    assert "an article waits at most 20 seconds" in shown
    assert "the daily budget is 500 calls" in shown


def test_a_model_that_is_wrong_is_counted_so_and_one_that_fails_ends_with_1(folder: Path, server: Server) -> None:
    unable = json.dumps({"verdict": "cannot_tell", "stories": [], "words": ""})
    server.service.answer_with("same_event", lambda data: unable)
    assert json.loads(asked(folder, "--json"))["uses"]["same_event"]["right"] == 0

    server.service.answer_with("same_event", lambda data: "no JSON")
    report = json.loads(asked(folder, "--json", code=1))
    assert "does not match the schema" in report["uses"]["same_event"]["errors"][0]


def test_a_model_that_names_the_story_and_misses_the_news_is_wrong(folder: Path, server: Server) -> None:
    server.service.answer_with(
        "same_event", lambda data: same_event(data) | ({"updates": []} if "updates" in data else {})
    )
    assert json.loads(asked(folder, "--json"))["uses"]["same_event"]["right"] == 3


def test_a_failure_of_a_use_that_is_off_is_shown_and_not_counted(folder: Path, server: Server) -> None:
    server.service.answer_with("relevance", lambda data: "no JSON")
    assert json.loads(asked(folder, "--json"))["uses"]["relevance"]["right"] == 0


def test_without_a_model_the_message_says_where_to_read_on(folder: Path) -> None:
    (folder / "bot.yaml").write_text("channels: {alerts: {kind: console}}\n")
    done = commands.wirewatch("model", "test", "--config", ".", folder=folder, code=2)
    assert "bot.yaml has no model" in done.stderr


def test_each_recipe_of_the_page_works_as_it_stands_but_for_the_address_and_the_name(
    folder: Path, server: Server
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "language-model.md").read_text(encoding="utf-8")
    recipes = re.findall(r"```yaml\n# bot.yaml\n(model:\n.+?)```", page.partition("### Recipes")[2], re.DOTALL)
    assert len(recipes) == 2
    for recipe in recipes:
        adapted = re.sub(r"url: .+", f"url: {server.url}/v1", re.sub(r"name: .+", "name: local-model", recipe))
        adapted = re.sub(r"  key: .+\n", "", adapted).replace("model:\n", "model:\n  key: env:MODEL_KEY\n")
        (folder / "bot.yaml").write_text(f"channels: {{alerts: {{kind: console}}}}\n{adapted}")
        tested = json.loads(asked(folder, "--json"))["uses"]
        assert [(tested[use]["right"], tested[use]["errors"]) for use in ("same_event", "facts")] == [(4, []), (4, [])]


def asked_by_init(tmp_path: Path, *answers: str) -> str:
    """Run init at a terminal on which somebody types; returns what it prints."""
    person, terminal = pty.openpty()
    os.write(person, "".join(f"{answer}\n" for answer in answers).encode())
    printed = tmp_path / "printed"
    words = ("init", "--minimal", "mine")
    process = commands.start(words, tmp_path, os.environ, [Path(os.ttyname(terminal)), printed, printed])
    process.join()
    os.close(person)
    os.close(terminal)
    assert process.exitcode == 0
    return printed.read_text(encoding="utf-8")


def test_init_asks_for_a_model_and_the_configuration_that_it_writes_can_ask_it(tmp_path: Path, server: Server) -> None:
    url = f"{server.url}/v1"

    printed = asked_by_init(tmp_path, url, "local-model", chat_completions.KEY, "env:MODEL_KEY")

    assert "not the key itself" in printed
    assert "model test --config mine" in printed
    written = (tmp_path / "mine" / "bot.yaml").read_text(encoding="utf-8")
    assert chat_completions.KEY not in written
    commands.wirewatch("check", "--config", "mine", folder=tmp_path)
    assert json.loads(asked(tmp_path / "mine", "--json"))["uses"]["same_event"]["right"] == 4


def test_init_without_an_answer_writes_no_model_and_without_a_terminal_does_not_ask(tmp_path: Path) -> None:
    asked_by_init(tmp_path, "")
    done = commands.wirewatch("init", "--minimal", "other", folder=tmp_path)

    assert "Address of its API" not in done.stderr
    for folder in ("mine", "other"):
        assert "model:" not in (tmp_path / folder / "bot.yaml").read_text(encoding="utf-8")


def test_check_says_in_a_line_what_judgement_without_a_model_is_worth(folder: Path) -> None:
    (folder / "rules" / "a.yaml").write_text("rules: [{name: A, any: [x1], notify: alerts}]")
    with_one = commands.wirewatch("check", "--config", ".", folder=folder)
    (folder / "bot.yaml").write_text("channels: {alerts: {kind: console}}\n")
    without = commands.wirewatch("check", "--config", ".", folder=folder)

    assert "no language model" not in with_one.stderr
    [line] = [line for line in without.stderr.splitlines() if line.startswith("no language model")]
    assert "0.16 surplus messages per event" in line
