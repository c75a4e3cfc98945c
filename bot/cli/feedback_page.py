"""What readers said of the rules, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from rich.text import Text

from bot import model
from bot.cli import terminal
from bot.feedback import precision, rulings, suggestions


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFeedback:
    """One rule with a story that was judged, taken apart or merged."""

    rule: str
    #: False: it is no longer in the configuration, so nothing is proposed.
    is_loaded: bool
    #: None: no story was judged.
    precision: precision.Precision | None
    rulings: tuple[rulings.Told, ...]
    #: The time looked at.
    span: timedelta
    proposals: tuple[tuple[suggestions.Proposal, suggestions.Effect], ...]


def show(one: RuleFeedback) -> None:
    """Print one rule's precision and the changes that are proposed."""
    out, found = terminal.out(), one.precision
    out.print(Text(one.rule, style="bold"))
    if found:
        low, high = found.interval
        counts = f"{found.useful} useful, {found.noise} noise"
        line = f"  precision {found.share:.0%}: {counts} (95 %: {low:.0%} to {high:.0%})"
        out.print(line, markup=False, highlight=False)
    if not one.is_loaded:
        out.print("  no longer loaded", markup=False)
    elif found and found.noise and not one.proposals:
        enough = found.noise >= suggestions.LEAST_NOISE
        why = (
            "nothing separates the noise from the rest" if enough else "too little noise to find what it has in common"
        )
        out.print(f"  no change to propose: {why}", markup=False)
    for proposal, effect in one.proposals:
        out.print(f"  {proposal.change.value}", markup=False)
        for line in _yaml(proposal, effect, one.span).splitlines():
            out.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    if one.rulings:
        out.print("  stories that people took apart or merged", markup=False)
    for told in one.rulings:
        waits = "" if told.is_done else " (waits for the bot)"
        terminal.row(f"    {told.at:%Y-%m-%d %H:%M} UTC, {told.by}: {told.text}{waits}")
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
    """One rule's feedback as the JSON output has it; shares from 0 to 1, null where nothing was judged."""
    found = one.precision
    low, high = found.interval if found else (None, None)
    return {
        "rule": one.rule,
        "is_loaded": one.is_loaded,
        "useful": found.useful if found else 0,
        "noise": found.noise if found else 0,
        "precision": found.share if found else None,
        "low": low,
        "high": high,
        "rulings": [
            {"at": told.at.isoformat(), "by": told.by, "kind": told.kind.value, "text": told.text, "done": told.is_done}
            for told in one.rulings
        ],
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
