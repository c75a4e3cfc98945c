"""wirewatch model test: right answers, latency and cost by use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot import app
from bot.cli.language_model import language_model
from bot.llm import exam, prompts
from bot.model.errors import BadAnswer
from bot.model.language_models import Prompt, Use
from tests.journeys.world import RULES
from tests.testbed import commands, configs
from tests.testbed.servers import chat_completions, faulty

Server = faulty.Server[chat_completions.Model]


def key_of(prompt: Prompt) -> str:
    """Return the data of a prompt as the server gets it, without its form."""
    return json.dumps(json.loads(prompt.data)) if prompt.schema else prompt.data


QUESTIONS = {key_of(question.prompt): question for question in exam.build_questions(set(Use))}


def right(data: dict[str, Any]) -> dict[str, Any]:
    """Return the sentence, or 0, that is the right answer to a question of the exam about facts."""
    question = QUESTIONS[json.dumps(data)]
    for number in (0, *map(int, data["article"]["sentences"])):
        with suppress(BadAnswer):
            if question.is_right(prompts.parse_answer(question.prompt, json.dumps({"sentence": number}))):
                return {"sentence": number}
    raise AssertionError(question)


def right_pair(data: dict[str, Any]) -> float:
    question = QUESTIONS[f"A: {data['A']}\n\nB: {data['B']}\n\nThe same event? Answer yes or no."]
    return 0.98 if question.is_same else 0.02


def right_translation(data: dict[str, Any]) -> dict[str, Any]:
    return {"texts": [f"Auf Deutsch: {text}" for text in data["texts"]]}


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(chat_completions.Model()) as serving:
        serving.service.answer_with("same_event", right_pair)
        serving.service.answer_with("facts", right)
        serving.service.answer_with("translate", right_translation)
        yield serving


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    uses = "[same_event, facts, translate]"
    model = f"model: {{url: '{server.url}/v1', name: local-model, key: env:MODEL_KEY, uses: {uses}}}\n"
    bot = f"channels: {{alerts: {{kind: console}}}}\ndatabase: sqlite:///{tmp_path}/wirewatch.db\n{model}"
    return configs.write(tmp_path, bot=bot, rules=RULES.replace("notify: desk", "notify: alerts"))


def examine_model(folder: Path, *words: str, code: int = 0) -> str:
    """Ask in this process: the client of the model takes most of a second to import."""
    environ = {"MODEL_KEY": chat_completions.KEY}
    done = CliRunner().invoke(language_model, ["test", "--config", str(folder), *words], env=environ)
    assert done.exit_code == code, done.output
    return done.stdout


def test_each_wrong_answer_is_shown_with_its_headlines_and_check_says_whether_the_model_has_passed(
    folder: Path, server: Server
) -> None:
    def remarks() -> list[str]:
        check = commands.call("check", "--config", ".", folder=folder, MODEL_KEY=chat_completions.KEY).stderr
        return [line for line in check.splitlines() if line.startswith("the model")]

    [line] = remarks()
    assert line == (
        "the model local-model has not been examined, so it is not asked; the bot examines it when it starts, or run "
        "`wirewatch model test`"
    )
    server.service.answer_with("same_event", lambda data: 0.98)
    server.service.answer_with("translate", lambda data: "no JSON")
    lines = examine_model(folder, code=1).splitlines()
    wrong = [line for line in lines if line.startswith("WRONG same_event")]
    assert len(wrong) == 40
    assert any("France fines Nordvik over cookies: another event; answered" in line for line in wrong)
    assert any(line.startswith("WRONG translate") and "does not match the schema" in line for line in lines)
    assert lines[-5:-3] == [
        "0 of 40 pairs of one event were called two",
        "40 of 40 pairs of two events were called one: they could hide an event",
    ]
    assert lines[-3] == "fit for facts: 16 of 16 right"
    assert lines[-2].startswith("unfit for same_event: 40 of 80 right, weight 0.00; remove it from uses, or choose")
    assert lines[-1].startswith("unfit for translate: 0 of 4 right")
    [line] = remarks()
    assert "has failed its exam and is not asked: unfit for same_event: " in line

    server.service.answer_with("same_event", right_pair)
    server.service.answer_with("translate", right_translation)
    report = json.loads(examine_model(folder, "--json"))
    assert (report["model"], report["passed"]) == ("local-model", True)
    counts = {use: (result["right"], result["asked"]) for use, result in report["uses"].items()}
    assert counts == {"same_event": (80, 80), "facts": (16, 16), "translate": (4, 4)}
    assert all(
        result["tokens"] > 50 and result["seconds"] < 5 and not result["errors"] for result in report["uses"].values()
    )
    assert remarks() == []


def test_an_answer_that_comes_too_late_is_wrong_and_the_keys_that_limit_it_are_named(
    folder: Path, server: Server
) -> None:
    bot = (folder / "bot.yaml").read_text()
    (folder / "bot.yaml").write_text(bot.replace("[same_event, facts, translate]", "[translate], timeout: 0.2 seconds"))
    for _ in range(4):
        server.fail("complete", "hang")

    printed = examine_model(folder, code=1)

    assert "too long for `timeout` (0.2 seconds) or `wait` (20 seconds)" in printed


def test_init_asks_for_a_model_and_the_configuration_that_it_writes_has_it(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1234/v1"

    answers = (url, "local-model", chat_completions.KEY, "env:MODEL_KEY")
    printed = commands.at_terminal("init", "--minimal", "mine", answers=answers, folder=tmp_path)

    assert "not the key itself" in printed
    assert "model test --config mine" in printed
    written = (tmp_path / "mine" / "bot.yaml").read_text(encoding="utf-8")
    assert chat_completions.KEY not in written
    assert "key: env:MODEL_KEY" in written
    model = app.load(tmp_path / "mine", {"MODEL_KEY": chat_completions.KEY}).bot.model
    assert model is not None
    assert (model.url, model.name, model.uses) == (url, "local-model", frozenset({Use.SAME_EVENT}))


def test_a_missing_model_is_explained_by_init_and_status_and_by_check_on_a_terminal_until_the_first_run(
    tmp_path: Path,
) -> None:
    words = "no language model, which is fine to begin with: on real feeds, expect 9 surplus messages per 100 events"
    # Without a terminal, and with an empty answer at one.
    assert words in commands.call("init", "--minimal", "other", folder=tmp_path).stderr
    assert words in commands.at_terminal("init", "--minimal", "mine", answers=[""], folder=tmp_path)
    for folder in ("mine", "other"):
        assert "model:" not in (tmp_path / folder / "bot.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine" / "feeds.yaml").write_text("feeds: []\n", encoding="utf-8")
    config = ("--config", str(tmp_path / "mine"))
    assert "bot.yaml has no model" in commands.call("model", "test", *config, folder=tmp_path, code=2).stderr
    assert words in commands.at_terminal("check", *config, folder=tmp_path)
    assert words not in commands.call("check", *config, folder=tmp_path).stderr

    commands.call("once", *config, folder=tmp_path)

    assert words not in commands.at_terminal("check", *config, folder=tmp_path)
    assert words in commands.call("status", *config, folder=tmp_path).stdout
