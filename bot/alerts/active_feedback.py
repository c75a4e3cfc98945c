"""Which of the things that people said of a story still holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot import model
from bot.model import Verdict

#: Verdicts of which the later takes the place of the earlier.
_OPINIONS = (Verdict.USEFUL, Verdict.NOISE)
_TAKE_BACK = (Verdict.UNMUTED, Verdict.WOKEN, Verdict.UNCLAIMED)


def active_feedback(judgements: Sequence[model.Judgement], *, now: datetime) -> tuple[model.Judgement, ...]:
    """Each person's last opinion under each rule, the claim, the mute, and snoozes that are not over; oldest first.

    ``judgements``: of one story in one channel, in the order in which they were said.
    """
    last: dict[tuple[str, ...], model.Judgement] = {}
    for one in judgements:
        key = _subject(one)
        # Taken out first, so that the order is that of the last word.
        last.pop(key, None)
        if one.verdict not in _TAKE_BACK:
            last[key] = one
    return tuple(one for one in last.values() if one.until is None or one.until > now)


def _subject(one: model.Judgement) -> tuple[str, ...]:
    """What a later word replaces."""
    if one.verdict in _OPINIONS:
        return ("opinion", one.rule, one.by)
    if one.verdict.is_of_claim:
        return ("claim",)
    return ("snooze", one.rule) if one.verdict.is_of_rule else ("mute",)
