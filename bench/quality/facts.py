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
    return [Outcome(update, _told(update.earlier, update.article)) for update in updates.load(name)]


def _told(earlier: tuple[Article, ...], later: Article) -> tuple[Fact, ...]:
    return facts.news(facts.claims_of(earlier), facts.read(later))


def figures(found: list[Outcome]) -> tuple[float, float]:
    """Precision and recall over updates."""
    told = [each for each in found if each.facts]
    material = [each for each in found if each.update.is_material]
    right = sum(each.update.is_material for each in told)
    return right / max(len(told), 1), sum(bool(each.facts) for each in material) / len(material)


def changes(found: list[Outcome]) -> tuple[int, int, int, int]:
    """Right of the changes told, how many were told; told of the changes written down, how many there are."""
    told = [any(wanted.is_said_by(fact) for wanted in each.update.wanted) for each in found for fact in each.changes]
    wanted = [
        any(one.is_said_by(fact) for fact in each.changes) for each in found for one in each.update.wanted if one.before
    ]
    return sum(told), len(told), sum(wanted), len(wanted)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", choices=SETS)
    arguments.add_argument("--verbose", action="store_true", help="what was said, and what was wrong")
    options = arguments.parse_args()
    for name in (options.only,) if options.only else SETS:
        found = outcomes(name)
        precision, recall = figures(found)
        material = sum(each.update.is_material for each in found)
        right, told, hit, wanted = changes(found)
        print(f"{name}: {material} with and {len(found) - material} without a material change")
        print(f"  precision {precision:.3f}   recall {recall:.3f}   changes right {right}/{told}, told {hit}/{wanted}")
        for each in found if options.verbose else ():
            print(f"  {'right' if each.is_right else 'WRONG'}  {each.update.id}")
            for fact in each.facts:
                print(f"    {fact.kind}  {fact.label}: {fact.before or ''} → {fact.after}   [{fact.sentence}]")


if __name__ == "__main__":
    main()
