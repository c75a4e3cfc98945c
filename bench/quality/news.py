"""Measure the replies in threads on labelled news: the share that are news, and the share of news that is reported.

The desks give the content of a right reply. Real feeds have a reader's flags (bench/quality/label_events.tsv; n, c and
d are news): a reply is right if its article is flagged as news. Both are measured twice: in the labelled stories, and
in the stories that grouping makes, with its mistakes. An article with news that joins no story is counted separately,
because it has its own message.

    python -m bench.quality.news [--feeds PARTS] [--fit] [--show]

``--fit`` prints weights for bot/stories/facts/news.py, fitted on all desks and on parts a and b of the labels, and
their result on rules that were left out. It needs scikit-learn.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, desk_scores, pools
from bot.model.archive import Arrival
from bot.model.stories import Fact
from bot.stories import facts, grouping
from bot.stories.facts.news import THRESHOLD, WEIGHTS, features, is_copy
from bot.stories.index import Index

FITTED = ("a", "b")
DESKS = (*desk_rows.PARTS, *desk_scores.OWN_PARTS)
#: Weight of an article of a real feed in ``--fit``: desks have five times as many.
FEED_WEIGHT = 4
#: Folds of rules for the figures of ``--fit``.
FOLDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """An article with its event and what is new in it."""

    source: str
    #: The desk or the rule.
    group: str
    event: str
    arrival: Arrival
    is_news: bool
    #: The words of a right reply; empty: any reply about an article with news is right.
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A labelled article that joined a story, and the reply in its thread."""

    labelled: Labelled
    is_wrong_story: bool
    features: dict[str, float]
    facts: tuple[Fact, ...]

    @property
    def is_news(self) -> bool:
        return self.labelled.is_news and not self.is_wrong_story

    @property
    def is_right(self) -> bool:
        text = " | ".join(f"{fact.label}: {fact.before} → {fact.after} | {fact.sentence}" for fact in self.facts)
        says = self.labelled.says
        return bool(self.facts) and self.is_news and (not says or any(desk_scores.says(say, text) for say in says))


@dataclass(slots=True)
class _Story:
    claims: facts.StoryClaims = field(default_factory=facts.StoryClaims)
    events: Counter[str] = field(default_factory=Counter)


def of_desks(part: str) -> list[Labelled]:
    """Return the items of a part's desks that match their rule, in the order in which they come."""
    return [
        Labelled(
            source=f"desks {part}",
            group=row.item.desk,
            event=row.event,
            arrival=row.arrival,
            is_news=bool(row.item.news),
            says=tuple(say for fact in row.item.news for say in fact),
        )
        for row in desk_rows.rows(desk_scores.load(part))
    ]


def of_feeds(part: str) -> list[Labelled]:
    """Return what the rules of a part collected on real feeds, with a reader's flags."""
    return [
        Labelled(
            source=f"feeds {part}",
            group=rule,
            event=item.event,
            arrival=item.arrival,
            is_news=not set("ncd").isdisjoint(item.flags),
        )
        for rule, labelled in pools.labelled(part).items()
        for item in labelled
    ]


def in_their_events(labelled: Iterable[Labelled]) -> Iterator[Case]:
    """Yield each article behind the first of its event, in the story that the labels name."""
    stories: defaultdict[str, _Story] = defaultdict(_Story)
    for item in labelled:
        yield from _case(item, stories[item.event], beside=(), sure=1.0)


def in_our_stories(labelled: Sequence[Labelled]) -> Iterator[Case]:
    """Yield each article that joins a story, in the stories that grouping makes of its desk or rule."""
    of_group: defaultdict[str, Index] = defaultdict(lambda: Index(window=desk_rows.WINDOW))
    stories: defaultdict[str, _Story] = defaultdict(_Story)
    for item in labelled:
        join = grouping.join(of_group[item.group], item.arrival)
        for younger in join.merges:
            gone = stories.pop(younger)
            stories[join.story].events += gone.events
        beside = [stories[story].claims for story in join.beside]
        yield from _case(item, stories[join.story], beside, join.confidence or 0.0, is_copy_=join.copy_of is not None)


def _case(
    item: Labelled, home: _Story, beside: Sequence[facts.StoryClaims], sure: float, *, is_copy_: bool = False
) -> Iterator[Case]:
    reading = facts.read(item.arrival.article)
    if not is_copy_ and not is_copy(home.claims, reading):
        yield Case(
            labelled=item,
            is_wrong_story=home.events.most_common(1)[0][0] != item.event,
            features=features(home.claims, reading),
            facts=facts.news(home.claims, reading, lambda: beside, sure),
        )
    home.claims.add(reading)
    home.events[item.event] += 1


def fit(cases: Sequence[Case]) -> dict[str, float]:
    """Return the weights of a logistic regression. Needs scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    names = [name for name in WEIGHTS if name != "always"]
    fitted = LogisticRegression(C=2.0, max_iter=3000)
    fitted.fit(
        [[case.features[name] for name in names] for case in cases],
        [case.labelled.is_news for case in cases],
        [FEED_WEIGHT if case.labelled.source.startswith("feeds") else 1 for case in cases],
    )
    weights = zip(names, fitted.coef_[0], strict=True)
    return {"always": float(fitted.intercept_[0])} | {name: float(weight) for name, weight in weights}


def _left_out(cases: Sequence[Case]) -> tuple[int, int, int]:
    """Return the right replies, replies and news on real feeds, by weights fitted without the fold of each rule."""
    groups = sorted({case.labelled.group for case in cases if case.labelled.source.startswith("feeds")})
    right = replies = news = 0
    logit = math.log(THRESHOLD / (1 - THRESHOLD))
    for fold in range(FOLDS):
        out = set(groups[fold::FOLDS])
        weights = fit([case for case in cases if case.labelled.group not in out])
        for case in (case for case in cases if case.labelled.group in out):
            is_told = sum(weights[name] * value for name, value in case.features.items()) > logit
            replies, right = replies + is_told, right + (is_told and case.labelled.is_news)
            news += case.labelled.is_news
    return right, replies, news


def _row(name: str, cases: Sequence[Case], news_count: int) -> tuple[str, ...]:
    with_news = sum(case.labelled.is_news for case in cases)
    stated = [case for case in cases if case.facts]
    right = sum(case.is_right for case in stated)
    claims = [case for case in stated if any(fact.before for fact in case.facts)]
    return (
        name,
        f"{right} of {len(stated)} ({right / max(1, len(stated)):.2f})",
        f"{right} of {with_news} ({right / max(1, with_news):.2f})",
        str(news_count - with_news),
        str(sum(case.is_wrong_story for case in stated)),
        f"{sum(case.is_right for case in claims)} of {len(claims)}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default="abc", help="parts of the labelled real feeds; c is for reporting")
    parser.add_argument("--fit", action="store_true", help="print weights; needs scikit-learn")
    parser.add_argument("--show", action="store_true", help="each reply, and each article whose news has no reply")
    options = parser.parse_args()
    out = Console(width=150)
    sources = [of_desks(part) for part in DESKS]
    sources += [of_feeds(part) for part in options.feeds]
    if options.fit:
        fitted_on = [part for part in sources if part[0].source.startswith("desks") or part[0].source[-1] in FITTED]
        cases = [case for part in fitted_on for case in in_their_events(part)]
        out.print({name: round(weight, 2) for name, weight in fit(cases).items()})
        out.print("rules left out: {} of {} replies right, {} with news".format(*_left_out(cases)))
        return
    headers = ("", "replies that are news", "news told", "news in no story", "in a wrong story", "claims right")
    table = Table(*headers, title="Threads")
    for labelled in sources:
        news_count = sum(item.is_news for item in labelled)
        for how, cases_of in (("events", in_their_events), ("stories", in_our_stories)):
            cases = list(cases_of(labelled))
            table.add_row(*_row(f"{labelled[0].source}, in {how}", cases, news_count))
            for case in cases if options.show and how == "events" else ():
                if case.facts or case.labelled.is_news:
                    flags = f"{'reply' if case.facts else 'no reply'}, {'news' if case.labelled.is_news else 'no news'}"
                    out.print(f"{flags} [{case.labelled.group}] {case.labelled.arrival.article.title}", markup=False)
    out.print(table)
    out.print(f"from a probability of {THRESHOLD} on")


if __name__ == "__main__":
    main()
