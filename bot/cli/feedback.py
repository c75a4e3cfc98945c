"""wirewatch feedback: how right each rule is, as its readers say, and what change of it would leave out the noise."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from bot import app, config, model, ports
from bot.cli import archive, feedback_page, rule_files, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json, duration
from bot.feedback import precision, rulings, suggestions
from bot.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What the store has of the time looked at."""

    precisions: Mapping[str, precision.Precision]
    #: Of the chosen rules with noise.
    stories: Mapping[str, Sequence[suggestions.JudgedStory]]


def feedback(
    folder: ConfigDir = DEFAULT_CONFIG,
    rule: Annotated[str | None, typer.Option(help="One rule: its name or a part of it.", metavar="RULE")] = None,
    since: Annotated[str, typer.Option(help="How far back, as in 30d.", metavar="DURATION")] = "30d",
    json: Json = False,
) -> None:
    """Show each rule's precision, and what people decided.

    Suggests changes, as YAML, that would exclude the noise. Changes nothing.

    Example: wirewatch feedback --rule "Telecom regulator orders" --since 90d
    """
    settings = app.load(folder, os.environ)
    span = duration(since)
    told = archive.look(settings, lambda tx, now: _feedback(tx, settings, rule, now - span, span))
    if json:
        terminal.answer([feedback_page.as_json(one) for one in told])
        return
    for one in told:
        feedback_page.show(one)
    if not told:
        terminal.say("No feedback in this time. To collect it, set `buttons: true` on a slack channel.")


def _feedback(
    tx: ports.Transaction, settings: config.Settings, name: str | None, when: datetime, span: timedelta
) -> Sequence[feedback_page.RuleFeedback]:
    compiled = {entry.rule.name: entry for entry in settings.rules}
    said, decided = tx.judgements.since(when), rulings.by_rule(tx, when)
    chosen = _chosen({*compiled, *decided, *(one.rule for one in said if one.rule)}, name)
    judged = _judged(tx, said, chosen)
    proposals = [
        (compiled[rule], proposal)
        for rule, stories in judged.stories.items()
        if rule in compiled
        for proposal in suggestions.propose(compiled[rule], stories)
    ]
    trial = suggestions.ProposalTrial(proposals)
    if proposals:
        feeds = settings.feeds_by_address
        with terminal.progress("trying", tx.articles.count(since=when)) as advance:
            for article in tx.articles.archive(since=when):
                trial.read(article, rule_files.feed_of(article, feeds))
                advance()
    tried = list(zip(proposals, trial.effects(), strict=True))
    return [
        feedback_page.RuleFeedback(
            rule=rule,
            is_loaded=rule in compiled,
            precision=judged.precisions.get(rule),
            rulings=decided.get(rule, ()),
            span=span,
            proposals=tuple((proposal, effect) for (owner, proposal), effect in tried if owner.rule.name == rule),
        )
        for rule in sorted(
            {*judged.precisions, *chosen.intersection(decided)}, key=lambda rule: (_share(judged, rule), rule)
        )
    ]


def _share(judged: _Judged, rule: str) -> float:
    """The worst first; those that were not judged last."""
    found = judged.precisions.get(rule)
    return found.share if found else 2.0


def _chosen(names: set[str], asked: str | None) -> set[str]:
    """The rule of that name, else those with it in their name."""
    if asked is None or asked in names:
        return names if asked is None else {asked}
    near = {name for name in names if asked.casefold() in name.casefold()}
    if not near:
        known = "; ".join(sorted(names)) or "none"
        terminal.fail(f'no rule is named like "{asked}". Known: {known}', UNUSABLE)
    return near


def _judged(tx: ports.Transaction, said: Sequence[model.Judgement], chosen: set[str]) -> _Judged:
    opinions = {rule: those for rule, those in precision.opinions(said).items() if rule in chosen}
    with_noise = {rule: those for rule, those in opinions.items() if Verdict.NOISE in those.values()}
    found = tx.stories.get(list({story for those in with_noise.values() for story in those}))
    return _Judged(
        precisions={rule: one for rule, one in precision.by_rule(said).items() if rule in chosen},
        stories={
            rule: [
                _story(found[story], rule, verdict is Verdict.USEFUL)
                for story, verdict in those.items()
                if story in found
            ]
            for rule, those in with_noise.items()
        },
    )


def _story(story: model.Story, rule: str, is_useful: bool) -> suggestions.JudgedStory:
    members = [member for member in story.members if any(match.rule == rule for match in member.matches)]
    return suggestions.JudgedStory(is_useful=is_useful, articles=tuple(member.article for member in members))
