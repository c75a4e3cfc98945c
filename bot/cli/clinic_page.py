"""The clinic's findings for people and for programs."""

from __future__ import annotations

from dataclasses import asdict

from bot import model
from bot.cli import terminal
from bot.feedback import clinic as clinics


def show(finding: clinics.Finding) -> None:
    """For people: the two uses, and the guards."""
    out = terminal.out()
    articles = model.counted(finding.articles, "article")
    if not finding.uses:
        out.print(
            f"{finding.rule}: {finding.term} in {articles}: one meaning, as far as the articles show", markup=False
        )
        return
    sign = "warning: " if finding.is_ambiguous else ""
    out.print(f"{sign}{finding.rule}: {finding.term} in {articles} has two meanings", markup=False)
    names = ("meant", "other") if finding.is_known else ("larger", "other")
    for name, use in zip(names, finding.uses, strict=True):
        articles = model.counted(use.articles, "article")
        told = f"{articles}, the rule matches {use.matched}; with {', '.join(use.companions)}"
        out.print(f"  {name}: {told}", markup=False)
        if use.name:
            out.print(f"      some spell it out: {use.name}", markup=False)
        for headline in use.headlines:
            out.print("      " + headline.replace("\n", " "), markup=False)
    if not finding.is_ambiguous:
        out.print("  the rule already excludes the other meaning", markup=False)
        return
    if not finding.is_known:
        out.print("  the rule does not say which use it means: if it means the other, negate the guard", markup=False)
    for guard in finding.guards:
        first, second = (use.articles for use in finding.uses)
        told = f"keeps {guard.keeps} of {first}, lets {guard.lets_through} of {second} others through"
        out.print(f"    {guard.yaml}    # {told}", markup=False)


def as_json(finding: clinics.Finding) -> dict[str, object]:
    """The finding as the JSON output has it."""
    return {
        "rule": finding.rule,
        "term": finding.term,
        "articles": finding.articles,
        "ambiguous": finding.is_ambiguous,
        "meant_is_known": finding.is_known,
        "uses": [asdict(use) for use in finding.uses],
        "guards": [asdict(guard) for guard in finding.guards],
    }
