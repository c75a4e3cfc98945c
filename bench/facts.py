"""New facts and new sentences: precision and recall over the story updates of tests/stories/updates.

Dates, numbers, names and decisions are judged over ``development`` and ``held_out``, new sentences over the others.

Recall: of the updates with a material change, those of which a fact says what was written down for them.
Precision: of all facts said, those that are written down as true news of their update; any other is wrong, and so is
every fact about an update without a material change.

    python -m bench.facts [--only SET] [--verbose]
    python -m bench.facts --real lede-feeds allsides

The second prints the facts of labelled stories, in order of telling: real text has no answers, and is read by eye.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass

from bench import storysets
from bot import model
from bot.stories import news
from tests.stories import examples, updates

SETS = ("development", "held_out", "sentences_development", "sentences_held_out")


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
    """Facts of the kind that the set is about."""
    return [
        Outcome(
            update,
            tuple(
                f for f in news.facts(update.story, update.article) if f.is_sentence == (name.startswith("sentences"))
            ),
        )
        for update in updates.load(name)
    ]


def figures(found: list[Outcome]) -> tuple[float, float]:
    """Precision over facts, recall over updates."""
    said = [any(wanted.is_said_by(fact) for wanted in each.update.wanted) for each in found for fact in each.facts]
    material = [each for each in found if each.update.is_material]
    return sum(said) / max(len(said), 1), sum(each.is_right for each in material) / len(material)


def of_real_stories(name: str) -> tuple[list[tuple[str, model.Fact]], int]:
    """Each fact with its story's first headline; and how many articles came after a first one."""
    told: defaultdict[str, list[model.Article]] = defaultdict(list)
    for row in storysets.load(name):
        told[row.story].append(row.article)
    found = []
    for members in told.values():
        for at in range(1, len(members)):
            story = examples.story(*members[: at + 1])
            found += [(members[0].title, fact) for fact in news.facts(story, members[at]) if not fact.is_sentence]
    return found, sum(len(members) - 1 for members in told.values())


def _show_real(name: str) -> None:
    found, later = of_real_stories(name)
    for title, fact in found:
        print(f"  [{title[:60]}] {fact.label}: {fact.before or ''} → {fact.after}   «{fact.sentence}»")
    print(f"{name}: {len(found)} facts of {later} later articles")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", choices=SETS)
    arguments.add_argument("--verbose", action="store_true", help="what was said, and what was wrong")
    arguments.add_argument(
        "--real", nargs="+", choices=storysets.SETS, default=(), help="facts of real stories instead"
    )
    options = arguments.parse_args()
    if options.real:
        for name in options.real:
            _show_real(name)
        return
    for name in (options.only,) if options.only else SETS:
        found = outcomes(name)
        precision, recall = figures(found)
        material = sum(each.update.is_material for each in found)
        print(f"{name}: {material} with and {len(found) - material} without a material change")
        print(f"  precision {precision:.3f}   recall {recall:.3f}")
        for each in found if options.verbose else ():
            print(f"  {'right' if each.is_right else 'WRONG'}  {each.update.id}")
            for fact in each.facts:
                is_wanted = any(wanted.is_said_by(fact) for wanted in each.update.wanted)
                said = f"{fact.label}: {fact.before or ''} → {fact.after}"
                print(f"    {' ' if is_wanted else '?'} {fact.kind}  {said}   «{fact.sentence}»")


if __name__ == "__main__":
    main()
