"""What readers said of the rules, as the rules page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import model, ports
from bot.alerts import precision
from bot.answers import ruling_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOpinions:
    """What readers said of the rules."""

    #: Of rules with a judged story.
    precision: Mapping[str, precision.Precision]
    #: Rule -> its silences in force.
    silences: Mapping[str, Sequence[model.Silence]]
    #: Rule -> what people decided about its stories.
    rulings: Mapping[str, Sequence[ruling_texts.RulingText]]


def rule_opinions(tx: ports.Transaction, now: datetime) -> RuleOpinions:
    """Read the judgements and rulings of the last ``precision.JUDGED`` and the silences in force."""
    silences: dict[str, list[model.Silence]] = {}
    for silence in tx.silences.active(now):
        if silence.kind is model.SilenceKind.RULE:
            silences.setdefault(silence.name, []).append(silence)
    return RuleOpinions(
        precision=precision.by_rule(tx.judgements.since(now - precision.JUDGED)),
        silences=silences,
        rulings=ruling_texts.by_rule(tx, now - precision.JUDGED),
    )
