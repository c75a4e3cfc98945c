"""wirewatch clinic: which short terms mean two things in the archive, and a line that tells them apart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from bot import app, config, ports, rules
from bot.cli import archive, clinic_page, rule_files, terminal, try_rule
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir, Json, duration
from bot.feedback import clinic as clinics


def clinic(
    rule: Annotated[
        str | None, typer.Argument(help="A loaded rule's name (or a part of it), or a rules file.", metavar="RULE")
    ] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[str, typer.Option(help="How far back, as in 30d.", metavar="DURATION")] = "90d",
    json: Json = False,
) -> None:
    """Find ambiguous short terms in the archive.

    For a term with two meanings it suggests a guard as a line of YAML.

    Example: wirewatch clinic "Telecom regulator orders"
    """
    settings = app.load(folder, os.environ)
    chosen = settings.rules if rule is None else try_rule.chosen(settings, rule)[0]
    findings = _look(settings, chosen, duration(since))
    if json:
        terminal.answer([clinic_page.as_json(finding) for finding in findings])
    else:
        for finding in findings:
            clinic_page.show(finding)
        if not findings:
            terminal.say("No short term of these rules occurs in the stored articles.")
    raise typer.Exit(LEFT if any(finding.is_ambiguous for finding in findings) else DONE)


def _look(
    settings: config.Settings, chosen: Sequence[rules.CompiledRule], span: timedelta
) -> tuple[clinics.Finding, ...]:
    feeds = settings.feeds_by_address
    looking = clinics.Clinic(chosen)
    if looking.is_idle:
        return ()

    def work(tx: ports.Transaction, now: datetime) -> tuple[clinics.Finding, ...]:
        with terminal.progress("looking", tx.articles.count(since=now - span)) as advance:
            for article in tx.articles.archive(since=now - span):
                looking.read(article, rule_files.feed_of(article, feeds))
                advance()
        return looking.findings()

    return archive.look(settings, work)
