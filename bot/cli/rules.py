"""wirewatch try: test rules on stored articles before they post."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from bot import app, config, rules
from bot.cli import archive, check, terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, UNUSABLE, ConfigDir, Json, Since, duration
from bot.config import files, rules_file
from bot.config.rules_file import RuleContext
from bot.durations import format_count, format_duration
from bot.model.errors import ConfigError
from bot.model.messages import MessageKind
from bot.model.settings import Problem
from bot.queries import backtest, pasted, trials
from bot.queries.registry import Archive
from bot.queries.trials import TrialDocument
from bot.rules import errors
from bot.stories import volume


def try_rule(
    rule: Annotated[
        list[str],
        typer.Argument(help="A loaded rule's name (or a part of it), a rules file, or a query.", metavar="RULE"),
    ],
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Since = "30d",
    against: Annotated[
        Path | None, typer.Option(help="Compare with the rules in this file.", metavar="FILE", dir_okay=False)
    ] = None,
    replay: Annotated[
        int,
        typer.Option(
            help="Number of matched articles for which messages are simulated; 0 means all.", metavar="NUMBER", min=0
        ),
    ] = 2_000,
    json: Json = False,
) -> None:
    """Try a rule on the stored articles.

    Shows the articles that the rule would match or no longer match, its messages, and its near misses.

    Example: wirewatch try rules-draft/telecom.yaml --since 30d
    """
    settings = app.load(folder, os.environ)
    tried, is_whole = chosen(settings, " ".join(rule))
    compared, with_what = _rules_to_compare(settings, tried, against)
    span = duration(since)

    def work(archive: Archive) -> backtest.BacktestReport:
        tx, start = archive.tx, archive.now - span
        plan = backtest.BacktestPlan(
            tried=tried,
            other_versions=compared,
            with_what=with_what,
            since=start,
            until=archive.now,
            settings=archive.watched.settings,
            replayed=replay or None,
        )
        with terminal.progress("trying", tx.articles.count(since=start)) as advance:
            return trials.run_on_archive(tx, plan, on_article=advance)

    report = archive.look(settings, work)
    if json:
        terminal.answer(TrialDocument.of(report))
    else:
        show_report(report)
    raise typer.Exit(DONE if is_whole else LEFT)


def chosen(settings: config.Settings, name: str) -> tuple[tuple[rules.CompiledRule, ...], bool]:
    """Return the rules to try, and whether all of them can be used.

    ``name`` is a file of rules, a loaded rule's name or a part of it, or a query.
    """
    if Path(name).is_file():
        usable, problems = read_rule_file(Path(name), settings)
        check.show(problems)
        return usable, not problems
    loaded = {entry.rule.name: entry for entry in settings.rules}
    matching = tuple(loaded[match] for match in errors.find_names(name, loaded))
    if not matching:
        if name.endswith((".yaml", ".yml")):
            terminal.fail(f"the file {name} does not exist", UNUSABLE)
        if errors.find_names(name, settings.off):
            terminal.fail(errors.help_with_unknown_name(name, loaded, refused=settings.off), UNUSABLE)
        return _pasted(settings, name)
    return matching, True


def _pasted(settings: config.Settings, text: str) -> tuple[tuple[rules.CompiledRule, ...], bool]:
    names = "; ".join(entry.rule.name for entry in settings.rules)
    terminal.say(f'No loaded rule is named like "{text}": it is tried as a query. Loaded rules: {names or "none"}')
    try:
        parsed, problems = pasted.parse_pasted(text, settings)
    except pasted.TooManyRulesError as error:
        terminal.fail(str(error), UNUSABLE)
    # Show no warnings, such as those about missing examples, because the rule was only typed to be tried.
    errors = [problem for problem in problems if problem.severity == "error"]
    check.show(errors)
    if not parsed:
        terminal.fail("the query cannot be used", UNUSABLE)
    return parsed, not errors


def _rules_to_compare(
    settings: config.Settings, tried: Sequence[rules.CompiledRule], against: Path | None
) -> tuple[Mapping[str, rules.CompiledRule], str]:
    """Return the rules to compare with, by name, and a description of them."""
    if against is not None:
        usable, problems = read_rule_file(against, settings)
        check.show(problems)
        return {entry.rule.name: entry for entry in usable}, str(against)
    if any(entry not in settings.rules for entry in tried):
        return {entry.rule.name: entry for entry in settings.rules}, "the loaded version"
    return {}, ""


#: Maximum lines of a list; --json prints all.
LISTED = 10
#: Maximum near misses listed; a common word often has many.
NEAR_LISTED = 3
#: The longest bar of the chart, in characters.
BAR = 40
#: The chart shows weeks if there are more than ``DAYS`` days, and months if there are more than ``WEEKS`` weeks.
DAYS, WEEKS = 31, 27
_EIGHTHS = " ▏▎▍▌▋▊▉"


def show_report(report: backtest.BacktestReport) -> None:
    """Print the report of a backtest."""
    span = f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}"
    terminal.row(f"{format_count(report.articles, 'article')} of the archive, {span}", style="dim")
    if not report.articles:
        terminal.say("No articles are stored for that time; `wirewatch once` or `run` collects them.")
    for rule in report.rules:
        terminal.row("")
        _show_rule(rule)
    terminal.row("")
    _show_messages(report)


def _show_rule(rule: backtest.RuleReport) -> None:
    terminal.row(rule.rule, style="bold")
    terminal.row(f"  would match {format_count(len(rule.hits), 'article')}")
    for line in chart(rule.by_day):
        terminal.row(f"    {line}")
    _list(rule.hits[::-1])
    if forms := Counter(hit.form for hit in rule.hits if hit.form is not None):
        counts = ", ".join(f"{count} {form.value}" for form, count in forms.most_common())
        terminal.row(f"  not plain reports: {counts}; leave them out with skip: [{', '.join(forms)}]")
    if (compared := rule.comparison) is not None:
        terminal.row(
            f"  compared with {compared.with_what}: {compared.both} the same, "
            f"{len(compared.starts)} new, {len(compared.stops)} no longer"
        )
        _list(compared.starts[::-1] if compared.both or compared.stops else (), "+")
        _list(compared.stops[::-1], "-")
    for near_miss in sorted(rule.near, key=lambda near_miss: near_miss.count):
        terminal.row(f"  near misses, {near_miss.what}: {near_miss.count}")
        _list(near_miss.examples, most=NEAR_LISTED, total=near_miss.count)


def _show_messages(report: backtest.BacktestReport) -> None:
    """List the messages that would have been sent, each with all its channels."""
    channels: dict[tuple[datetime, MessageKind, str, tuple[str, ...]], list[str]] = {}
    for post in report.messages:
        channels.setdefault((post.at, post.kind, post.reason, post.headlines), []).append(post.channel)
    counts = Counter(kind for _, kind, _, _ in channels)
    summary = ", ".join(
        format_count(counts[kind], name)
        for kind, name in (
            (MessageKind.POST, "post"),
            (MessageKind.LISTING, "listing"),
            (MessageKind.EDIT, "edit"),
            (MessageKind.REPLY, "reply"),
        )
        if counts[kind] or kind is MessageKind.POST
    )
    waiting = f"; {report.held} still held" if report.held else ""
    terminal.row(f"It would have made {summary}, about {format_count(report.stories, 'story')}{waiting}")
    if report.simulated_until:
        terminal.row(
            f"  of the first {report.replayed:,} of {report.matched:,} matched articles, seen before "
            f"{report.simulated_until:%Y-%m-%d %H:%M}; --replay 0 simulates all"
        )
    _show_surges(report)
    new_messages = [message for message in channels if message[1] is not MessageKind.EDIT]
    for message in new_messages[-2 * LISTED :]:
        at, kind, reason, headlines = message
        more = f" and {len(headlines) - 1} more" if len(headlines) > 1 else ""
        what = "" if kind is MessageKind.POST else f"{kind.value}, {reason}: "
        headline = headlines[0] if headlines else ""
        terminal.row(f"  {at:%m-%d %H:%M} {', '.join(channels[message])}: {what}{headline}{more}")
    if len(new_messages) > 2 * LISTED:
        terminal.row(f"  … and {len(new_messages) - 2 * LISTED} before (--json lists all)", style="dim")


def _show_surges(report: backtest.BacktestReport) -> None:
    """Show when rules with ``volume`` would have reported a surge, and why."""
    days = format_count((report.until - report.since).days, "day")
    if report.has_volume:
        terminal.row(f"It would have reported {format_count(len(report.surges), 'surge')} in {days}")
    for surge in report.surges:
        peak = volume.describe_volume(surge.peak, format_duration(surge.window))
        terminal.row(f"  {surge.opened_at:%m-%d %H:%M} {surge.rule}: {peak}. {volume.describe_causes(surge, UTC)}")
        for cause in surge.causes.largest:
            outlets = ", ".join(cause.outlets[:3]) + (
                f" and {len(cause.outlets) - 3} more" if cause.outlets[3:] else ""
            )
            terminal.row(f"      {cause.headline} ({outlets})", style="dim")


def _list(
    hits: Sequence[backtest.MatchedArticle], sign: str = " ", *, most: int = LISTED, total: int | None = None
) -> None:
    """List the first hits. If ``hits`` is only a part of all hits, ``total`` is the number of all hits."""
    total = len(hits) if total is None else total
    for hit in hits[:most]:
        terminal.row(f"   {sign} {hit.first_seen:%m-%d} {hit.outlet}: {hit.title}")
        if hit.why:
            terminal.row(f"       {hit.why}", style="dim")
    if total > most:
        terminal.row(
            f"   {sign} … and {total - most} more (--json lists {'all' if total == len(hits) else 'some'})", style="dim"
        )


def chart(by_day: Mapping[date, int]) -> Iterator[str]:
    """Yield a bar for each day, or for each week or month of a long period. A long gap is one line."""
    columns = _columns(by_day)
    most = max(columns.values(), default=0)
    if not most:
        return
    for is_empty, group in groupby(columns.items(), key=lambda column: not column[1]):
        pause = list(group)
        if is_empty and len(pause) > 2:
            yield f"{pause[0][0]} … {pause[-1][0]}: none"
            continue
        for label, count in pause:
            eighths = max(round(count / most * BAR * 8), 1) if count else 0
            bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
            yield f"{label} {bar} {count}" if count else label


def _columns(by_day: Mapping[date, int]) -> dict[str, int]:
    if len(by_day) <= DAYS:
        return {f"{day:%a %m-%d}": count for day, count in by_day.items()}
    columns: dict[str, int] = {}
    is_by_week = len(by_day) <= WEEKS * 7
    for day, count in by_day.items():
        monday = day - timedelta(days=day.weekday())
        label = f"week of {monday:%m-%d}" if is_by_week else f"{day:%Y-%m}"
        columns[label] = columns.get(label, 0) + count
    return columns


def read_rule_file(path: Path, settings: config.Settings) -> tuple[tuple[rules.CompiledRule, ...], tuple[Problem, ...]]:
    """Return a file's usable rules, and the errors in its other rules. Raises ConfigError if no rule can be used."""
    try:
        content = files.read_content(str(path))
    except OSError as error:
        raise ConfigError(f"reading {path}: {error.strerror}") from None
    report = files.parse_file(str(path), content, by_item=True)
    context = replace(RuleContext.of(settings.bot, settings.files), wants_warnings=False)
    reader = rules_file.parse_rules_file(report, context)
    usable = tuple(entry.compiled for entry in reader.loaded) if reader else ()
    problems = tuple(problem for problem in report.finish() if problem.severity == "error")
    if not usable:
        why = "none of its rules can be used" if problems else "it has no rule"
        raise ConfigError(f"reading {path}: {why}", problems)
    return usable, problems
