"""Measure new facts on the story updates of tests/testbed/updates.

An update is the earlier articles of a story, a later article, and whether the later one has a material change.

Precision: the share of the updates with reported facts that have a material change.
Recall: the share of the updates with a material change that have reported facts.
Changes: the share of reported changes ("A → B") that are expected, and the share of expected changes that are reported.

    python -m bench.quality.facts [--only SET] [--verbose]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from bot.model.stories import Article, Fact
from bot.stories import facts
from tests.testbed import updates

SETS = ("development", "held_out", "sentences_development", "sentences_held_out")


@dataclass(frozen=True, slots=True)
class Outcome:
    update: updates.Update
    facts: tuple[Fact, ...]

    @property
    def changes(self) -> list[Fact]:
        return [fact for fact in self.facts if fact.before]

    @property
    def is_right(self) -> bool:
        return bool(self.facts) == self.update.is_material


def outcomes(name: str) -> list[Outcome]:
    return [Outcome(update, _new_facts(update.earlier, update.article)) for update in updates.load(name)]


def _new_facts(earlier: tuple[Article, ...], later: Article) -> tuple[Fact, ...]:
    return facts.news(facts.claims_of(earlier), facts.read(later))


def figures(results: list[Outcome]) -> tuple[float, float]:
    """Precision and recall over updates."""
    with_facts = [outcome for outcome in results if outcome.facts]
    material = [outcome for outcome in results if outcome.update.is_material]
    right = sum(outcome.update.is_material for outcome in with_facts)
    return right / max(len(with_facts), 1), sum(bool(outcome.facts) for outcome in material) / len(material)


def changes(results: list[Outcome]) -> tuple[int, int, int, int]:
    """Return the right changes of the bot, all its changes, the labelled changes that it has, and all labelled ones."""
    found = [
        any(label.is_said_by(fact) for label in outcome.update.wanted)
        for outcome in results
        for fact in outcome.changes
    ]
    labelled = [
        any(label.is_said_by(fact) for fact in outcome.changes)
        for outcome in results
        for label in outcome.update.wanted
        if label.before
    ]
    return sum(found), len(found), sum(labelled), len(labelled)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", choices=SETS)
    arguments.add_argument("--verbose", action="store_true", help="print the facts of each update")
    options = arguments.parse_args()
    for name in (options.only,) if options.only else SETS:
        results = outcomes(name)
        precision, recall = figures(results)
        material = sum(outcome.update.is_material for outcome in results)
        right, count, hit, labelled = changes(results)
        print(f"{name}: {material} with and {len(results) - material} without a material change")
        print(f"  precision {precision:.3f}   recall {recall:.3f}   right {right}/{count}, found {hit}/{labelled}")
        for outcome in results if options.verbose else ():
            print(f"  {'right' if outcome.is_right else 'WRONG'}  {outcome.update.id}")
            for fact in outcome.facts:
                print(f"    {fact.kind}  {fact.label}: {fact.before or ''} → {fact.after}   [{fact.sentence}]")


if __name__ == "__main__":
    main()
