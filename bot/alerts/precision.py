"""How often a rule is right, as far as its readers have said so.

Pure: it is given judgements, in the order in which they were said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot import model
from bot.model import Verdict

#: The page and the API count the judgements of this time.
JUDGED = timedelta(days=90)
#: Of a normal distribution: 95 of 100 lie within.
_Z = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Of one rule: stories that were judged."""

    useful: int
    noise: int

    @property
    def judged(self) -> int:
        """How many stories were judged."""
        return self.useful + self.noise

    @property
    def share(self) -> float:
        """Useful of those judged."""
        return self.useful / self.judged

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share lies with 95 % confidence: Wilson's score interval, which holds for few judgements too
        (E. B. Wilson, JASA 22, 1927)."""
        n, square = self.judged, _Z * _Z
        middle = (self.share + square / (2 * n)) / (1 + square / n)
        half = _Z * math.sqrt(self.share * (1 - self.share) / n + square / (4 * n * n)) / (1 + square / n)
        return max(0.0, middle - half), min(1.0, middle + half)


def opinions(judgements: Iterable[model.Judgement]) -> Mapping[str, Mapping[model.StoryId, Verdict]]:
    """Rule -> story -> useful or noise: of each person the last word, of several people the majority, at a tie the
    last word of all."""
    last: dict[tuple[str, model.StoryId], dict[str, Verdict]] = {}
    for one in judgements:
        if one.verdict in (Verdict.USEFUL, Verdict.NOISE):
            people = last.setdefault((one.rule, one.story), {})
            # Taken out first, so that the last one is last.
            people.pop(one.by, None)
            people[one.by] = one.verdict
    found: dict[str, dict[model.StoryId, Verdict]] = {}
    for (rule, story), people in last.items():
        said = list(people.values())
        lead = said.count(Verdict.USEFUL) - said.count(Verdict.NOISE)
        verdict = said[-1] if not lead else Verdict.USEFUL if lead > 0 else Verdict.NOISE
        found.setdefault(rule, {})[story] = verdict
    return found


def by_rule(judgements: Iterable[model.Judgement]) -> Mapping[str, Precision]:
    """Of every rule with a judged story."""
    counted = {rule: list(those.values()) for rule, those in opinions(judgements).items()}
    return {
        rule: Precision(useful=said.count(Verdict.USEFUL), noise=said.count(Verdict.NOISE))
        for rule, said in counted.items()
    }
