"""New facts: precision and recall over the story updates of tests/stories/updates.

An update with a material change counts as found when a fact says the change that was written down for it. One
without counts as wrong when anything is said at all.

    python -m bench.facts [--held-out] [--verbose]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from bot import model
from bot.stories import news
from tests.stories import updates


@dataclass(frozen=True, slots=True)
class Outcome:
    update: updates.Update
    facts: tuple[model.Fact, ...]

    @property
    def is_right(self) -> bool:
        if not self.update.is_material:
            return not self.facts
        return any(wanted.is_said_by(fact) for wanted in self.update.wanted for fact in self.facts)


def outcomes(name: str) -> list[Outcome]:
    return [Outcome(update, news.facts(update.story, update.article)) for update in updates.load(name)]


def figures(found: list[Outcome]) -> tuple[float, float]:
    """Precision over updates about which something is said, recall over material ones."""
    spoken = [each for each in found if each.facts]
    material = [each for each in found if each.update.is_material]
    right = [each for each in spoken if each.update.is_material and each.is_right]
    return len(right) / max(len(spoken), 1), len(right) / len(material)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", choices=("development", "held_out"))
    arguments.add_argument("--verbose", action="store_true", help="what was said, and what was wrong")
    options = arguments.parse_args()
    for name in (options.only,) if options.only else ("development", "held_out"):
        found = outcomes(name)
        precision, recall = figures(found)
        material = sum(each.update.is_material for each in found)
        print(f"{name}: {material} with and {len(found) - material} without a material change")
        print(f"  precision {precision:.3f}   recall {recall:.3f}")
        for each in found if options.verbose else ():
            print(f"  {'right' if each.is_right else 'WRONG'}  {each.update.id}")
            for fact in each.facts:
                print(f"      {fact.kind}  {fact.label}: {fact.before or ''} → {fact.after}   «{fact.sentence}»")


if __name__ == "__main__":
    main()
