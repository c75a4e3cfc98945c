"""wirewatch model: examine the language model of bot.yaml with questions that have known answers."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from bot import app, config, storage
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, UNUSABLE, ConfigDir, Json
from bot.model import visible
from bot.model.durations import format_count, format_duration
from bot.model.errors import StoreError
from bot.model.language_models import PROMPT_VERSIONS, ExamMark, ExamResult, LanguageModelPolicy, Use
from bot.storage import keys

if TYPE_CHECKING:
    from bot.llm.exam import ExamAnswer

language_model = typer.Typer(help="Test the language model of bot.yaml.", no_args_is_help=True)


@language_model.callback()
def _group() -> None:
    pass


@language_model.command("test")
def ask(
    folder: ConfigDir = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Examine the model with questions whose answers are known.

    Asks at least 40 questions about the uses in bot.yaml, as many at once as the bot asks, and shows each answer. The
    last lines say for which uses the model is fit. Keeps the result: the bot does not ask a model about a use for which
    it has failed. Does not count against the day's budget. Exit code 1: fewer than 85 % of the answers for a use are
    right.

    Example: wirewatch model test
    """
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    policy = settings.bot.model
    if policy is None:
        terminal.fail("bot.yaml has no model: see docs/language-model.md", UNUSABLE)
    answers = asyncio.run(_examine(policy, environment, shows=not json))
    result = _result(policy, answers, environment)
    asyncio.run(_keep(settings, environment, result))
    if json:
        marks = {use.value: _figures(use, result.marks[use], answers) for use in result.marks}
        terminal.answer({"model": policy.name, "passed": _is_passed(result), "uses": marks})
    else:
        _show(policy, result, answers)
    raise typer.Exit(DONE if _is_passed(result) else LEFT)


async def _examine(policy: LanguageModelPolicy, environment: app.Environment, *, shows: bool) -> list[ExamAnswer]:
    # Import here, because the prompts and the SDK slow down the start.
    from bot.llm import exam, open_model

    questions = exam.build_questions(policy.uses)
    terminal.say(
        f"{policy.name} at {policy.url}: {format_count(len(questions), 'question')}, {policy.at_once} at once, "
        f"each for at most {format_duration(policy.timeout)}"
    )
    opened = open_model(policy, lambda secret: config.resolve_secret(secret, environment.environ))
    try:
        return await exam.examine(opened, policy, questions, _show_answer if shows else lambda answer: None)
    finally:
        await opened.close()


def _result(policy: LanguageModelPolicy, answers: Sequence[ExamAnswer], environment: app.Environment) -> ExamResult:
    by_use = {use: [answer for answer in answers if answer.question.prompt.use is use] for use in Use}
    marks = {
        use: ExamMark(
            asked=len(of_use),
            right=sum(answer.is_right for answer in of_use),
            refused=sum(bool(answer.error) for answer in of_use),
            seconds=round(statistics.median(answer.seconds for answer in of_use), 2),
        )
        for use, of_use in by_use.items()
        if of_use
    }
    now = environment.clock.now()
    return ExamResult(at=now, url=policy.url, model=policy.name, versions=PROMPT_VERSIONS, marks=marks)


async def _keep(settings: config.Settings, environment: app.Environment, result: ExamResult) -> None:
    """Store the result, for the bot, `check` and `status`. Create the database if there is none."""
    address, clock = app.database_of(settings, environment), environment.clock
    try:
        store = storage.open_beside(address, clock=clock)
    except StoreError:
        store = storage.open_store(address, clock=clock)
    try:
        await store.write(lambda tx: keys.put_exam(tx, result))
    finally:
        await store.close()


def _is_passed(result: ExamResult) -> bool:
    return all(mark.is_passed for mark in result.marks.values())


def _show_answer(answer: ExamAnswer) -> None:
    question = answer.question
    line = f"{'right' if answer.is_right else 'WRONG'} {question.prompt.use} {answer.seconds:.1f} s"
    if not answer.is_right:
        reason = f"refused: {answer.error}" if answer.error else f"expected {question.expected}"
        line += f", {question.prompt.article}: {reason}{': ' + answer.text if answer.text else ''}"
    terminal.row(visible.line(line, 400), style="" if answer.is_right else "yellow")


def _figures(use: Use, mark: ExamMark, answers: Sequence[ExamAnswer]) -> Mapping[str, object]:
    of_use = [answer for answer in answers if answer.question.prompt.use is use]
    return {
        "asked": mark.asked,
        "right": mark.right,
        "refused": mark.refused,
        "passed": mark.is_passed,
        "seconds": mark.seconds,
        "slowest": round(max(answer.seconds for answer in of_use), 2),
        "tokens": round(statistics.mean(answer.tokens for answer in of_use)),
        "errors": list(dict.fromkeys(answer.error for answer in of_use if answer.error)),
    }


def _show(policy: LanguageModelPolicy, result: ExamResult, answers: Sequence[ExamAnswer]) -> None:
    columns = ("right", "refused", "seconds", "slowest", "tokens")
    table = Table("use", *columns)
    for use, mark in result.marks.items():
        figures = {**_figures(use, mark, answers), "right": f"{mark.right} of {mark.asked}"}
        table.add_row(use.value, *(Text(str(figures[column])) for column in columns))
    terminal.show_table(table)
    # Answer files and some servers report no tokens.
    tokens = round(statistics.mean(answer.tokens for answer in answers))
    calls = min(policy.calls_per_day, policy.tokens_per_day // tokens) if tokens else policy.calls_per_day
    terminal.row(f"At {format_count(tokens, 'token')} per call, the daily budget is {format_count(calls, 'call')}.")
    limit = min(policy.timeout, policy.wait)
    late_count = sum(timedelta(seconds=answer.seconds) >= limit for answer in answers)
    if late_count:
        terminal.row(
            f"{format_count(late_count, 'answer')} took {format_duration(limit)} or longer, too long for `timeout` "
            f"({format_duration(policy.timeout)}) or `wait` ({format_duration(policy.wait)}): raise them, or take a "
            "faster model.",
            style="yellow",
        )
    for use, mark in result.marks.items():
        score = f"{use}: {mark.describe()}"
        if mark.is_passed:
            terminal.row(f"fit for {score}")
        else:
            terminal.row(f"unfit for {score}; remove it from uses, or choose a larger model", style="yellow")
