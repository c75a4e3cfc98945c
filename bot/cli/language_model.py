"""wirewatch model: test the language model of bot.yaml with questions that have known answers."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from bot import app, config
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, UNUSABLE, ConfigDir, Json
from bot.model import visible
from bot.model.durations import format_count, format_duration
from bot.model.errors import ModelError
from bot.model.language_models import LanguageModel, LanguageModelPolicy, Use

if TYPE_CHECKING:
    from bot.llm.probes import Probe

language_model = typer.Typer(help="Test the language model of bot.yaml.", no_args_is_help=True)


@language_model.callback()
def _group() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The answer to one test question."""

    use: Use
    is_right: bool
    #: Why the answer cannot be used, or "" if it can.
    error: str
    seconds: float
    tokens: int


@language_model.command("test")
def ask(
    folder: ConfigDir = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Test the model of bot.yaml with questions that have known answers.

    Shows how many answers are right, how long they take, and how many tokens they cost. Asks questions for every use,
    even for uses that bot.yaml does not list. Stores nothing, and does not count against the day's budget. Exit code 1:
    a question for a use in bot.yaml got no usable answer.

    Example: wirewatch model test
    """
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    policy = settings.bot.model
    if policy is None:
        terminal.fail("bot.yaml has no model: see docs/language-model.md", UNUSABLE)
    questions = asyncio.run(_run(policy, environment))
    if json:
        terminal.answer(
            {
                "model": policy.name,
                "uses": {
                    use.value: _figures([question for question in questions if question.use is use]) for use in Use
                },
            }
        )
    else:
        _show(policy, questions)
    failed = any(question.error and question.use in policy.uses for question in questions)
    raise typer.Exit(LEFT if failed else DONE)


async def _run(policy: LanguageModelPolicy, environment: app.Environment) -> list[_Asked]:
    # Import here, because the prompts and the SDK slow down the start.
    from bot.llm import open_model, probes

    opened = open_model(policy, lambda secret: config.resolve_secret(secret, environment.environ))
    try:
        return [await _ask(opened, probe) for probe in probes.build_probes()]
    finally:
        await opened.close()


async def _ask(opened: LanguageModel, probe: Probe) -> _Asked:
    begun = time.perf_counter()
    error, is_right, tokens = "", False, 0
    try:
        answered = await opened.ask(probe.prompt)
        tokens = answered.tokens_in + answered.tokens_out
        is_right = probe.is_right(answered.text)
    except ModelError as failure:
        error, tokens = str(failure), tokens or failure.tokens_in + failure.tokens_out
    return _Asked(
        use=probe.prompt.use, is_right=is_right, error=error, seconds=time.perf_counter() - begun, tokens=tokens
    )


def _figures(questions: Sequence[_Asked]) -> dict[str, object]:
    return {
        "asked": len(questions),
        "right": sum(question.is_right for question in questions),
        "seconds": round(statistics.median(question.seconds for question in questions), 2),
        "tokens": round(statistics.mean(question.tokens for question in questions)),
        "errors": list(dict.fromkeys(question.error for question in questions if question.error)),
    }


def _budget(policy: LanguageModelPolicy, used: Sequence[_Asked]) -> str:
    """Describe how long the slowest answer took, and how many calls a day's budget allows."""
    slowest = max(question.seconds for question in used)
    # Answer files and some servers report no tokens.
    tokens = round(statistics.mean(question.tokens for question in used))
    calls = min(policy.calls_per_day, policy.tokens_per_day // tokens) if tokens else policy.calls_per_day
    return (
        f"The slowest answer took {slowest:.1f} s; an article waits at most {format_duration(policy.wait)}.\n"
        f"At {format_count(tokens, 'token')} per call, the daily budget is {format_count(calls, 'call')}."
    )


def _show(policy: LanguageModelPolicy, questions: Sequence[_Asked]) -> None:
    table = Table("use", "right", "seconds", "tokens a call", "", title=Text(f"{policy.name} at {policy.url}"))
    for use in Use:
        figures = _figures([question for question in questions if question.use is use])
        errors = "; ".join(str(error) for error in figures["errors"]) if isinstance(figures["errors"], list) else ""
        name = use.value if use in policy.uses else f"{use.value} (not used)"
        row = (name, f"{figures['right']} of {figures['asked']}", str(figures["seconds"]), str(figures["tokens"]))
        table.add_row(*(Text(visible.line(cell)) for cell in (*row, errors)))
    terminal.out().print(table)
    used = [question for question in questions if question.use in policy.uses and not question.error]
    if used:
        terminal.out().print(_budget(policy, used))
