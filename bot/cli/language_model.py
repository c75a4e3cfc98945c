"""wirewatch model: examine the language model of bot.yaml with questions that have known answers."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from bot import app, config, storage
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, UNUSABLE, ConfigDir, Json
from bot.durations import format_count, format_duration
from bot.model import visible
from bot.model.errors import ModelError, StoreError
from bot.model.language_models import ExamResult, LanguageModelPolicy, Use
from bot.storage import keys

if TYPE_CHECKING:
    from bot.llm.exam import Exam, ExamAnswer

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

    Asks 80 questions about pairs of reports and some about each other use in bot.yaml, as many at once as the bot asks,
    and shows the wrong answers. The last lines say how much the answers about pairs count, and for which other uses the
    model is fit: at least 85 % right. The bot also examines a model when it starts with it; this command does it
    again, and keeps the result. Does not count against the day's budget. Exit code 1: the model is unfit for a use.

    Example: wirewatch model test
    """
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    policy = settings.bot.model
    if policy is None:
        terminal.fail("bot.yaml has no model: see docs/language-model.md", UNUSABLE)
    exam = asyncio.run(_examine(policy, environment, shows=not json))
    asyncio.run(_keep(settings, environment, exam.result))
    is_passed = all(map(exam.result.is_passed, exam.result.marks))
    if json:
        uses = {use.value: _figures(use, exam) for use in exam.result.marks}
        terminal.answer({"model": policy.name, "passed": is_passed, "weight": exam.result.weight, "uses": uses})
    else:
        _show(policy, exam)
    raise typer.Exit(DONE if is_passed else LEFT)


async def _examine(policy: LanguageModelPolicy, environment: app.Environment, *, shows: bool) -> Exam:
    # Import here, because the prompts and the SDK slow down the start.
    from bot.llm import exam
    from bot.llm.endpoint import open_model

    terminal.say(
        f"{policy.name} at {policy.url}: {format_count(len(exam.build_questions(policy.uses)), 'question')}, "
        f"{policy.at_once} at once, each for at most {format_duration(policy.timeout)}"
    )
    opened = open_model(policy, lambda secret: config.resolve_secret(secret, environment.environ))
    try:
        return await exam.examine(
            opened,
            policy,
            served=await opened.find_served(),
            now=environment.clock.now(),
            on_answer=_show_answer if shows else lambda answer: None,
        )
    except ModelError as error:
        terminal.fail(f"the model {policy.name} cannot be examined: {error}", LEFT)
    finally:
        await opened.close()


async def _keep(settings: config.Settings, environment: app.Environment, result: ExamResult) -> None:
    """Store the result, for the bot, `check` and `status`. Create the database if there is none."""
    address, clock = app.database_of(settings, environment), environment.clock
    try:
        store = storage.open_beside(address, clock=clock)
    except StoreError:
        store = storage.open_store(address, clock=clock)
    try:
        await store.write(lambda tx: keys.EXAM.put(tx, result))
    finally:
        await store.close()


def _show_answer(answer: ExamAnswer) -> None:
    question = answer.question
    if answer.is_right:
        return
    reason = f"refused: {answer.error}" if answer.error else f"answered {answer.text}"
    line = f"WRONG {question.prompt.use} {answer.seconds:.1f} s: {question.shown}: {question.expected}; {reason}"
    terminal.row(visible.line(line, 400), style="yellow")


def _figures(use: Use, exam: Exam) -> Mapping[str, object]:
    mark, of_use = exam.result.marks[use], [answer for answer in exam.answers if answer.question.prompt.use is use]
    return {
        "asked": mark.asked,
        "right": mark.right,
        "refused": mark.refused,
        "passed": exam.result.is_passed(use),
        "seconds": mark.seconds,
        "slowest": round(max(answer.seconds for answer in of_use), 2),
        "tokens": round(statistics.mean(answer.tokens for answer in of_use)),
        "errors": list(dict.fromkeys(str(answer.error) for answer in of_use if answer.error)),
    }


def _show(policy: LanguageModelPolicy, exam: Exam) -> None:
    columns = ("right", "refused", "seconds", "slowest", "tokens")
    table = Table("use", *columns)
    for use, mark in exam.result.marks.items():
        figures = {**_figures(use, exam), "right": f"{mark.right} of {mark.asked}"}
        table.add_row(use.value, *(Text(str(figures[column])) for column in columns))
    terminal.show_table(table)
    # Answer files and some servers report no tokens.
    tokens = round(statistics.mean(answer.tokens for answer in exam.answers))
    calls = min(policy.calls_per_day, policy.tokens_per_day // tokens) if tokens else policy.calls_per_day
    terminal.row(f"At {format_count(tokens, 'token')} per call, the daily budget is {format_count(calls, 'call')}.")
    limit = min(policy.timeout, policy.wait)
    late_count = sum(timedelta(seconds=answer.seconds) >= limit for answer in exam.answers)
    if late_count:
        terminal.row(
            f"{format_count(late_count, 'answer')} took {format_duration(limit)} or longer, too long for `timeout` "
            f"({format_duration(policy.timeout)}) or `wait` ({format_duration(policy.wait)}): raise them, or take a "
            "faster model.",
            style="yellow",
        )
    _show_directions(exam)
    for use in exam.result.marks:
        if exam.result.is_passed(use):
            terminal.row(f"fit for {exam.result.describe(use)}")
        else:
            remedy = "remove it from uses, or choose a larger model"
            terminal.row(f"unfit for {exam.result.describe(use)}; {remedy}", style="yellow")


def _show_directions(exam: Exam) -> None:
    """Show what the errors about pairs would do."""
    pairs = [answer for answer in exam.answers if answer.question.prompt.use is Use.SAME_EVENT]
    for is_same, error in ((True, "of one event were called two"), (False, "of two events were called one")):
        answers = [answer for answer in pairs if answer.question.is_same is is_same]
        wrong = sum(not answer.is_right and answer.error is None for answer in answers)
        if answers:
            harm = "a message too many each" if is_same else "they could hide an event"
            terminal.row(f"{wrong} of {format_count(len(answers), 'pair')} {error}{f': {harm}' if wrong else ''}")
