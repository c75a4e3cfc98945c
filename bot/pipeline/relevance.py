"""Reject articles that match a rule's words but are not about its subject, by a language model's answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot import model, ports, stories
from bot.pipeline.advice import Advice
from bot.pipeline.snapshot import Snapshot


def sort(
    tx: ports.Transaction, snapshot: Snapshot, advice: Advice, arrivals: Sequence[model.Arrival]
) -> tuple[Sequence[model.Arrival], Sequence[model.Member]]:
    """Return the relevant arrivals, with their remaining matches, and the rejected articles.

    Rules with ``about`` are checked, except those of severity high. Rejected matches are deleted. An article without
    matches is listed in a separate story without channels, with the reason. Arrivals that wait for the model are in
    neither.
    """
    relevant, rejected = [], []
    for arrival in arrivals:
        try:
            reasons = dict(_reasons(snapshot, advice, arrival))
        except stories.Undecided:
            continue
        remaining = tuple(match for match in arrival.matches if match.rule not in reasons)
        if reasons:
            tx.articles.drop_matches(arrival.article.id, list(reasons))
        if remaining:
            relevant.append(replace(arrival, matches=remaining))
        elif reasons:
            rejected.append(_member(arrival, "; ".join(f"{rule}: {reason}" for rule, reason in reasons.items())))
    return relevant, rejected


def _reasons(snapshot: Snapshot, advice: Advice, arrival: model.Arrival) -> Iterator[tuple[str, str]]:
    """Yield the rules that the article is not about, and why. Requests all answers before it waits for one."""
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
