"""Articles that a rule's words matched and that are not what the rule is about, as a language model says.

Never of a rule of high severity. A rejected article is listed as a story of no channel, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot import model, ports, stories
from bot.pipeline.advice import Advice
from bot.pipeline.snapshot import Snapshot


def sort(
    tx: ports.Transaction, snapshot: Snapshot, advice: Advice, arrivals: Sequence[model.Arrival]
) -> tuple[Sequence[model.Arrival], Sequence[model.Member]]:
    """Ask about the arrivals of rules with ``about``; matches that are rejected are deleted.

    Returns those that are relevant, with the matches that are left, and those that are rejected, each in a story of its
    own, which names no rule; what waits for the model is in neither.
    """
    relevant, rejected = [], []
    for arrival in arrivals:
        try:
            reasons = dict(_reasons(snapshot, advice, arrival))
        except stories.Undecided:
            continue
        left = tuple(match for match in arrival.matches if match.rule not in reasons)
        if reasons:
            tx.articles.drop_matches(arrival.article.id, list(reasons))
        if left:
            relevant.append(replace(arrival, matches=left))
        elif reasons:
            rejected.append(_member(arrival, "; ".join(f"{rule}: {reason}" for rule, reason in reasons.items())))
    return relevant, rejected


def _reasons(snapshot: Snapshot, advice: Advice, arrival: model.Arrival) -> Iterator[tuple[str, str]]:
    """The rules that the article is not about, and why. All are asked before one is waited for."""
    waits = False
    for match in arrival.matches:
        rule = snapshot.rules.rules.get(match.rule)
        if rule is None or not rule.about or rule.severity is model.Severity.HIGH:
            continue
        try:
            reason = advice.irrelevant(arrival.article, rule.name, rule.about)
        except stories.Undecided:
            waits = True
            continue
        if reason:
            yield match.rule, reason
    if waits:
        raise stories.Undecided


def _member(arrival: model.Arrival, detail: str) -> model.Member:
    own = stories.story_id(arrival.article.id)
    join = model.Join(story=own, article=arrival.article.id, reason=model.JoinReason.NOT_ABOUT, detail=detail)
    return model.Member(article=arrival.article, join=join, matches=(), is_baseline=arrival.is_baseline)
