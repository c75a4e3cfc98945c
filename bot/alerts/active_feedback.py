"""The current judgements of a story."""

from __future__ import annotations

from collections.abc import Sequence

from bot import model
from bot.model import Verdict


def active_feedback(judgements: Sequence[model.Judgement]) -> tuple[model.Judgement, ...]:
    """Return each person's last verdict under each rule, and the claim; oldest first.

    ``judgements``: of one story in one channel, in the order in which they were made.
    """
    last: dict[tuple[str, ...], model.Judgement] = {}
    for judgement in judgements:
        is_opinion = judgement.verdict.is_of_rule
        subject = ("opinion", judgement.rule, judgement.by) if is_opinion else ("claim",)
        # Remove first, so that the result is ordered by the last judgement.
        last.pop(subject, None)
        if judgement.verdict is not Verdict.UNCLAIMED:
            last[subject] = judgement
    return tuple(last.values())
