"""Do the changes that `wirewatch feedback` proposes hold on stories that nobody judged?

    python -m bench.quality.feedback

Stories of local shootings (gva, a few hundred) beside political news of the same years (allsides, neus). A rule of one
word wants the shootings: of what it matches, gva is useful, the rest noise. Some stories are judged, drawn by a hash;
the change is proposed from them and measured on all the others. The obvious alternative: exclude the one word that
leans most to the noise (smoothed log odds). "Said" is what the command itself says to expect, by cross-validation.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.quality import storysets
from bot import model, rules
from bot.feedback import suggestions

RULES = ("shot*", "shooting*", "police", "gun*", "victim*", "charged", "suspect*", "killed")
JUDGED = (6, 12, 24, 40)
DRAWS = 3
#: Stories of each side that a rule must match for its figures to mean something.
LEAST = 40
#: Articles of the larger set, so that a fair part of what a rule matches is noise.
GVA = 300
ALTERNATIVE = "one word"


def stories() -> list[suggestions.JudgedStory]:
    found: list[suggestions.JudgedStory] = []
    for name, most in (("gva", GVA), ("allsides", None), ("neus", None)):
        whole: defaultdict[str, list[model.Article]] = defaultdict(list)
        for one in storysets.load(name, most=most):
            whole[one.story].append(one.article)
        found += [
            suggestions.JudgedStory(is_useful=name == "gva", articles=tuple(articles))
            for _, articles in sorted(whole.items())
        ]
    return found


def matched(compiled: rules.CompiledRule, given: Sequence[suggestions.JudgedStory]) -> list[suggestions.JudgedStory]:
    """With those articles only that the rule finds."""
    one = rules.RuleSet([compiled])
    feed = model.Feed(url="bench")
    found = []
    for story in given:
        mine = tuple(a for a in story.articles if one.matching(a, feed, now=a.first_seen))
        if mine:
            found.append(replace(story, articles=mine))
    return found


def one_word(rule: model.Rule, judged: Sequence[suggestions.JudgedStory]) -> rules.CompiledRule | None:
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    sizes = Counter(story.is_useful for story in judged)
    for story in judged:
        counts[story.is_useful].update(suggestions._any_article(story))
    if not sizes[False]:
        return None

    def lean(word: str) -> float:
        return math.log((counts[False][word] + 0.5) / (sizes[False] + 1)) - math.log(
            (counts[True][word] + 0.5) / (sizes[True] + 1)
        )

    word = max(sorted(counts[False]), key=lean)
    return rules.compile_rule(replace(rule, none=(model.Line(label="none", terms=(word,)),)))


def effect(before: Sequence[suggestions.JudgedStory], compiled: rules.CompiledRule) -> tuple[float, float, float]:
    """Shares of noise left out and useful stories lost, and the precision then."""
    after = matched(compiled, before)
    was, now = (Counter(story.is_useful for story in those) for those in (before, after))
    precision = now[True] / len(after) if after else 0.0
    return 1 - now[False] / was[False], 1 - now[True] / was[True], precision


def main() -> None:
    given = stories()
    results: defaultdict[tuple[int, str], list[tuple[float, float, float] | None]] = defaultdict(list)
    said: defaultdict[tuple[int, str], list[tuple[float, float]]] = defaultdict(list)
    words: dict[int, list[float]] = defaultdict(list)
    for term in RULES:
        compiled = rules.compile_rule(
            model.Rule(name=term, notify=("n",), any=(model.Line(label=term, terms=(term,)),))
        )
        found = matched(compiled, given)
        sides = Counter(story.is_useful for story in found)
        print(f"{term}: {sides[True]} useful, {sides[False]} noise stories", flush=True)
        if min(sides[True], sides[False]) < LEAST:
            continue
        for count in JUDGED:
            for draw in range(DRAWS):
                ordered = sorted(found, key=lambda story: storysets.draw(f"{draw} {story.articles[0].id}"))
                judged, rest = ordered[:count], ordered[count:]
                words[count].append(Counter(s.is_useful for s in rest)[True] / len(rest))
                proposals = {one.change: one for one in suggestions.propose(compiled, judged)}
                for kind in (suggestions.RuleChange.EXCLUSION, suggestions.RuleChange.GUARD):
                    one = proposals.get(kind)
                    results[count, kind.value].append(effect(rest, one.compiled) if one else None)
                    if one:
                        said[count, kind.value].append(
                            (one.noise_unseen / one.noise, one.useful_unseen / max(1, one.useful))
                        )
                other = one_word(compiled.rule, judged)
                results[count, ALTERNATIVE].append(effect(rest, other) if other else None)
    table = Table("judged", "change", "proposed", "noise left out", "said", "useful lost", "said", "precision", "after")
    for (count, change), measured in results.items():
        told = [one for one in measured if one is not None]
        if told:
            left, lost, precision = (median(one[place] for one in told) for place in range(3))
            expected = (
                [f"{median(one[place] for one in said[count, change]):.0%}" for place in range(2)]
                if said[count, change]
                else ["", ""]
            )
            table.add_row(
                str(count),
                change,
                f"{len(told)} of {len(measured)}",
                f"{left:.0%}",
                expected[0],
                f"{lost:.0%}",
                expected[1],
                f"{median(words[count]):.0%}",
                f"{precision:.0%}",
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
