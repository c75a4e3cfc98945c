"""wirewatch try: a rule over the stored archive, before it posts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot import app, config, model, ports, rules
from bot.answers import building, pasted
from bot.app import wiring
from bot.cli import archive, check, rule_files, terminal, try_page
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, UNUSABLE, ConfigDir, Json, duration
from bot.language import encoders
from bot.pipeline import backtest


def try_rule(
    rule: Annotated[
        str, typer.Argument(help="A loaded rule's name (or a part of it), a rules file, or a query.", metavar="RULE")
    ],
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[str, typer.Option(help="How far back, as in 30d.", metavar="DURATION")] = "30d",
    against: Annotated[
        Path | None, typer.Option(help="Compare with the rules of this file.", metavar="FILE", dir_okay=False)
    ] = None,
    replay: Annotated[
        int,
        typer.Option(
            help="The number of matched articles for which messages are simulated; 0: all.", metavar="NUMBER", min=0
        ),
    ] = 2_000,
    json: Json = False,
) -> None:
    """Backtest a rule over the stored articles.

    Shows what it would match, no longer match and post, and its near misses.

    Example: wirewatch try rules-draft/telecom.yaml --since 30d
    """
    settings = app.load(folder, os.environ)
    tried, is_whole = chosen(settings, rule)
    is_loaded = all(entry in settings.rules for entry in tried)
    report = _try(settings, tried, duration(since), against, is_loaded=is_loaded, replayed=replay or None)
    if json:
        terminal.answer(building.trial(report).model_dump(mode="json", by_alias=True))
    else:
        try_page.show(report)
    raise typer.Exit(DONE if is_whole else LEFT)


def chosen(settings: config.Settings, name: str) -> tuple[tuple[rules.CompiledRule, ...], bool]:
    """The rules of a file, the loaded ones of that name, or a pasted query or rule; False: some cannot be used."""
    if _is_file(name):
        found = rule_files.read_rule_file(Path(name), settings)
        check.show(found.problems)
        return found.rules, not found.problems
    exact = tuple(entry for entry in settings.rules if entry.rule.name == name)
    near = exact or tuple(entry for entry in settings.rules if name.casefold() in entry.rule.name.casefold())
    if not near:
        if name.endswith((".yaml", ".yml")):
            terminal.fail(f"there is no file {name}", UNUSABLE)
        return _pasted(settings, name)
    return near, True


def _pasted(settings: config.Settings, text: str) -> tuple[tuple[rules.CompiledRule, ...], bool]:
    known = "; ".join(entry.rule.name for entry in settings.rules)
    terminal.say(f'No loaded rule is named like "{text}": it is tried as a query. Loaded: {known or "none"}')
    try:
        found, problems = pasted.parse_pasted(text, settings)
    except pasted.TooManyRulesError as error:
        terminal.fail(str(error), UNUSABLE)
    # It was typed to be tried: that it has no examples is no news.
    errors = [problem for problem in problems if problem.severity == "error"]
    check.show(errors)
    if not found:
        terminal.fail("the query cannot be used", UNUSABLE)
    return found, not errors


def _is_file(name: str) -> bool:
    return Path(name).is_file()


def _try(
    settings: config.Settings,
    tried: Sequence[rules.CompiledRule],
    span: timedelta,
    against: Path | None,
    *,
    is_loaded: bool,
    replayed: int | None,
) -> backtest.Report:
    others, with_what = _others(settings, against, is_loaded=is_loaded)
    feeds = settings.feeds_by_address

    def work(tx: ports.Transaction, now: datetime) -> backtest.Report:
        when = now - span
        plan = backtest.Plan(
            tried=tuple(tried),
            others=others,
            with_what=with_what,
            matched_before={} if against else _stored(tx, tried, when, others),
            since=when,
            until=now,
            feeds=feeds,
            routes=settings.bot.routes,
            baselines={state.url: state.baseline_at for state in tx.feeds.all() if state.baseline_at},
            policies=wiring.snapshot_of(settings).policies,
            window=settings.bot.stories_window,
            encoder=encoders.of(settings.bot.languages),
            zone=settings.bot.timezone,
            replayed=replayed,
        )
        with terminal.progress("trying", tx.articles.count(since=when)) as advance:
            return backtest.run(tx.articles, plan, on_article=advance)

    return archive.look(settings, work)


def _others(
    settings: config.Settings, against: Path | None, *, is_loaded: bool
) -> tuple[Mapping[str, rules.CompiledRule], str]:
    """What the tried rules are compared with, by name."""
    if against is not None:
        found = rule_files.read_rule_file(against, settings)
        check.show(found.problems)
        return {entry.rule.name: entry for entry in found.rules}, str(against)
    if not is_loaded:
        return {entry.rule.name: entry for entry in settings.rules}, "the loaded version"
    return {}, "what it has matched so far"


def _stored(
    tx: ports.Transaction,
    tried: Sequence[rules.CompiledRule],
    since: datetime,
    others: Mapping[str, rules.CompiledRule],
) -> Mapping[str, frozenset[model.ArticleId]]:
    """What each rule did match while the bot ran: of a file's rule, in the version that is loaded now."""
    found: dict[str, set[model.ArticleId]] = {
        entry.rule.name: set() for entry in tried if not others or entry.rule.name in others
    }
    for story in tx.stories.since(since):
        for member in story.members:
            for match in member.matches if member.article.first_seen >= since else ():
                other = others.get(match.rule)
                if match.rule in found and (other is None or other.rule.version == match.rule_version):
                    found[match.rule].add(member.article.id)
    return {name: frozenset(those) for name, those in found.items()}
