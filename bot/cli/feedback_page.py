"""What readers said of the rules, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from rich.text import Text

from bot import model
from bot.cli import terminal
from bot.feedback import precision, suggestions


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFeedback:
    """One rule with at least one judged story."""

    rule: str
    #: False: it is no longer in the configuration, so nothing is proposed.
    is_loaded: bool
    precision: precision.Precision
    #: The time looked at.
    span: timedelta
    proposals: tuple[tuple[suggestions.Proposal, suggestions.Effect], ...]


def show(one: RuleFeedback) -> None:
    """Print one rule's precision and the changes that are proposed."""
    out, found = terminal.out, one.precision
    low, high = found.interval
    out.print(Text(one.rule, style="bold"))
    out.print(
        f"  precision {found.share:.0%}: {found.useful} useful, {found.noise} noise (95 %: {low:.0%} to {high:.0%})",
        markup=False,
        highlight=False,
    )
    if not one.is_loaded:
        out.print("  no longer loaded", markup=False)
    elif found.noise and not one.proposals:
        enough = found.noise >= suggestions.LEAST_NOISE
        why = (
            "nothing separates the noise from the rest" if enough else "too little noise to find what it has in common"
        )
        out.print(f"  no change to propose: {why}", markup=False)
    for proposal, effect in one.proposals:
        out.print(f"  {proposal.change.value}", markup=False)
        for line in _yaml(proposal, effect, one.span).splitlines():
            out.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    out.print()


def _yaml(proposal: suggestions.Proposal, effect: suggestions.Effect, span: timedelta) -> str:
    unseen = f"{proposal.noise_unseen} of the noise and {proposal.useful_unseen} of the useful"
    return f"# {_effect(proposal, effect, span)}\n# made without the story each time: {unseen}\n{proposal.yaml}"


def _effect(proposal: suggestions.Proposal, effect: suggestions.Effect, span: timedelta) -> str:
    noise = f"{proposal.noise_left_out} of {proposal.noise} noise"
    useful = f"{proposal.useful_left_out} of {proposal.useful} useful"
    matches = f"matches in {model.show_duration(span)} {effect.before:,} → {effect.after:,}"
    return f"would have left out {noise} and {useful}; {matches}"


def as_json(one: RuleFeedback) -> dict[str, object]:
    """One rule's feedback as the JSON output has it; shares from 0 to 1."""
    low, high = one.precision.interval
    return {
        "rule": one.rule,
        "is_loaded": one.is_loaded,
        "useful": one.precision.useful,
        "noise": one.precision.noise,
        "precision": one.precision.share,
        "low": low,
        "high": high,
        "proposals": [
            {
                "change": proposal.change.value,
                "yaml": proposal.yaml,
                "noise": proposal.noise,
                "noise_left_out": proposal.noise_left_out,
                "useful": proposal.useful,
                "useful_left_out": proposal.useful_left_out,
                "noise_unseen": proposal.noise_unseen,
                "useful_unseen": proposal.useful_unseen,
                "matches_before": effect.before,
                "matches_after": effect.after,
            }
            for proposal, effect in one.proposals
        ],
    }
