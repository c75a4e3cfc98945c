"""wirewatch feedback: each rule's precision by its readers' judgements, and what people decided about its stories."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from bot import app, config, storage
from bot.alerts.feedback import Precision, precision_by_rule
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json, duration
from bot.queries.stories import RulingText, ruling_texts_by_rule


@dataclass(frozen=True, slots=True, kw_only=True)
class _RuleFeedback:
    """One rule with a story that was judged, split or merged."""

    rule: str
    #: False if the rule is no longer in the configuration.
    is_loaded: bool
    #: None if no story of the rule was judged.
    precision: Precision | None
    rulings: tuple[RulingText, ...]


def feedback(
    folder: ConfigDir = DEFAULT_CONFIG,
    rule: Annotated[str | None, typer.Option(help="Only this rule: its name, or a part of it.", metavar="RULE")] = None,
    since: Annotated[str, typer.Option(help="How far to look back, such as 30d.", metavar="DURATION")] = "30d",
    json: Json = False,
) -> None:
    """Show each rule's precision, and what people decided.

    Changes nothing.

    Example: wirewatch feedback --rule "Telecom regulator orders" --since 90d
    """
    settings = app.load(folder, os.environ)
    span = duration(since)
    rows = archive.look(settings, lambda archive: _read_feedback(archive.tx, settings, rule, archive.now - span))
    if json:
        terminal.answer([_as_json(row) for row in rows])
        return
    for row in rows:
        _show(row)
    if not rows:
        terminal.say("No feedback in this time. To collect it, set `buttons: true` on a slack channel.")


def _read_feedback(
    tx: storage.Transaction, settings: config.Settings, name: str | None, since: datetime
) -> Sequence[_RuleFeedback]:
    """Return the feedback of the chosen rules, lowest precision first, rules without a judged story last."""
    loaded = {entry.rule.name for entry in settings.rules}
    judgements = tx.judgements.since(since)
    precisions, rulings = precision_by_rule(judgements), ruling_texts_by_rule(tx, since)
    judged_rules = {judgement.rule for judgement in judgements if judgement.rule}
    names = _choose({*loaded, *rulings, *judged_rules}, name).intersection({*precisions, *rulings})
    rows = [
        _RuleFeedback(
            rule=rule, is_loaded=rule in loaded, precision=precisions.get(rule), rulings=rulings.get(rule, ())
        )
        for rule in names
    ]
    return sorted(rows, key=lambda row: (row.precision.share if row.precision else 2.0, row.rule))


def _choose(names: set[str], name: str | None) -> set[str]:
    """Return the rule with this name, or else the rules whose names contain it."""
    if name is None or name in names:
        return names if name is None else {name}
    similar = {candidate for candidate in names if name.casefold() in candidate.casefold()}
    if not similar:
        names_shown = "; ".join(sorted(names)) or "none"
        terminal.fail(f'no rule is named like "{name}". Known: {names_shown}', UNUSABLE)
    return similar


def _show(row: _RuleFeedback) -> None:
    out, measured = terminal.out(), row.precision
    out.print(Text(row.rule, style="bold"))
    if measured:
        low, high = measured.interval
        counts = f"{measured.useful} useful, {measured.noise} noise"
        line = f"  precision {measured.share:.0%}: {counts} (95 %: {low:.0%} to {high:.0%})"
        out.print(line, markup=False, highlight=False)
    if not row.is_loaded:
        out.print("  no longer loaded", markup=False)
    if row.rulings:
        out.print("  stories that people split or merged", markup=False)
    for ruling in row.rulings:
        pending = "" if ruling.is_done else " (waits for the bot)"
        terminal.row(f"    {ruling.at:%Y-%m-%d %H:%M} UTC, {ruling.by}: {ruling.text}{pending}")
    out.print()


def _as_json(row: _RuleFeedback) -> dict[str, object]:
    """Return one rule's feedback for ``--json``: shares from 0 to 1, null where nothing was judged."""
    measured = row.precision
    low, high = measured.interval if measured else (None, None)
    return {
        "rule": row.rule,
        "is_loaded": row.is_loaded,
        "useful": measured.useful if measured else 0,
        "noise": measured.noise if measured else 0,
        "precision": measured.share if measured else None,
        "low": low,
        "high": high,
        "rulings": [
            {
                "at": ruling.at.isoformat(),
                "by": ruling.by,
                "kind": ruling.kind.value,
                "text": ruling.text,
                "done": ruling.is_done,
            }
            for ruling in row.rulings
        ],
    }
