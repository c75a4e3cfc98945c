"""What readers said of the rules, as the rules page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import ports
from bot.alerts import precision
from bot.answers import ruling_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOpinions:
    """What readers said of the rules."""

    #: Of rules with a judged story.
    precision: Mapping[str, precision.Precision]
    #: Rule -> where a reader has snoozed it, and until when.
    snoozed: Mapping[str, Sequence[tuple[str, datetime]]]
    #: Rule -> what people decided about its stories.
    rulings: Mapping[str, Sequence[ruling_texts.RulingText]]


def rule_opinions(tx: ports.Transaction, now: datetime) -> RuleOpinions:
    """Read the judgements and rulings of the last ``precision.JUDGED`` and the snoozes in force."""
    snoozed: dict[str, list[tuple[str, datetime]]] = {}
    for (channel, rule), until in sorted(tx.judgements.snoozes(now).items()):
        snoozed.setdefault(rule, []).append((channel, until))
    return RuleOpinions(
        precision=precision.by_rule(tx.judgements.since(now - precision.JUDGED)),
        snoozed=snoozed,
        rulings=ruling_texts.by_rule(tx, now - precision.JUDGED),
    )
