"""Compute the precision of each rule and the current judgements of a message, in pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec

from bot.model.actions import Judgement, Verdict
from bot.model.stories import StoryId

#: Maximum age of the judgements that the page and the API count.
JUDGED_WITHIN = timedelta(days=90)


class Precision(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of useful and noisy stories of one rule."""

    useful: int
    noise: int

    @property
    def share(self) -> float:
        """The share of useful stories."""
        return self.useful / (self.useful + self.noise)


def verdicts_by_rule(judgements: Iterable[Judgement]) -> Mapping[str, Mapping[StoryId, Verdict]]:
    """Return the verdict (useful or noise) for each rule and story.

    Only the last verdict of each person counts. If people disagree, the majority decides; in a tie, the last verdict.
    """
    last: dict[tuple[str, StoryId], dict[str, Verdict]] = {}
    for judgement in judgements:
        people = last.setdefault((judgement.rule, judgement.story), {})
        # Remove the person first, so that the newest verdict is last in the mapping.
        people.pop(judgement.by, None)
        people[judgement.by] = judgement.verdict
    by_rule: dict[str, dict[StoryId, Verdict]] = {}
    for (rule, story), people in last.items():
        verdicts = list(people.values())
        lead = verdicts.count(Verdict.USEFUL) - verdicts.count(Verdict.NOISE)
        verdict = verdicts[-1] if not lead else Verdict.USEFUL if lead > 0 else Verdict.NOISE
        by_rule.setdefault(rule, {})[story] = verdict
    return by_rule


def precision_by_rule(judgements: Iterable[Judgement]) -> Mapping[str, Precision]:
    """Return the precision of each rule with a judged story."""
    verdicts = {rule: list(by_story.values()) for rule, by_story in verdicts_by_rule(judgements).items()}
    return {
        rule: Precision(useful=of_rule.count(Verdict.USEFUL), noise=of_rule.count(Verdict.NOISE))
        for rule, of_rule in verdicts.items()
    }


def active_feedback(judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    """Return each person's last verdict under each rule, oldest first.

    ``judgements`` are about one story in one channel, oldest first.
    """
    last: dict[tuple[str, str], Judgement] = {}
    for judgement in judgements:
        subject = (judgement.rule, judgement.by)
        # Remove the earlier entry first, so that the result is ordered by each person's last judgement.
        last.pop(subject, None)
        last[subject] = judgement
    return tuple(last.values())
