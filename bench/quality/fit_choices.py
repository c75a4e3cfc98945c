"""What the judge of grouping is fitted on (bench/quality/fit.py): choices of articles that come one by one.

Each open story that an article is compared with is one choice: its evidence, and whether the story was opened by the
article's event. Beside the labelled desks and sets, some desks' articles are made into beginnings and look-alikes.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from bench.quality import desk_rows, desk_scores, storysets
from bench.quality.desk_rows import WINDOW
from bot import model, rules
from bot.stories import evidence, profile, trees
from bot.stories.evidence import Evidence
from bot.stories.grouping import story_id
from bot.stories.index import Index
from bot.stories.profile import Profile

#: Of the example: the first report, then the other event, then the first event again.
HEADLINES = (
    ("BlackBerry quits Pakistan after PTA sought backdoor into BES", "The company will leave Pakistan, it said."),
    (
        "Pakistan lifts ban on BlackBerry Messenger in Sindh after police get backdoor access to chat logs",
        "PTA said so.",
    ),
    ("Pakistan lifts ban on BlackBerry Messenger in Sindh after PTA gets backdoor access to chat logs", ""),
    ("BlackBerry pulls out of Pakistan as PTA insists on backdoor", ""),
)
DEMO = Path(__file__).parents[2] / "bot" / "demo" / "story.json"
#: A story of no shared rule, beside one of the same rule: nearly all are told apart at once.
OTHER_RULE = 0.1
#: What is made of the desks beside them, and what a choice weighs there, since in the desks the reports of one event
#: follow within the hour and other events do not: beginnings of a rule, and other events in the same words.
BEGINNINGS, BEGINNING = 10, 0.1
LOOK_ALIKES, LOOK_ALIKE = 6, 0.25
SYLLABLES = "ba do ver lin mar to ques na rel so vi kan dru pe ost hal".split()


@dataclass(frozen=True, slots=True)
class Told:
    """An article, read, and the event that it tells."""

    read: Profile
    event: str
    #: A desk or a set.
    source: str
    arrival: model.Arrival | None = None


@dataclass(slots=True)
class Choices:
    """Evidence, whether it was the right story, and weights."""

    evidence: list[Evidence] = field(default_factory=list)
    is_right: list[bool] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def add(self, other: Choices, by: float = 1.0) -> None:
        self.evidence += other.evidence
        self.is_right += other.is_right
        self.weights += [weight * by for weight in other.weights]


@dataclass(slots=True)
class Run:
    """What a judge made of articles that came one by one."""

    choices: Choices = field(default_factory=Choices)
    stories: list[str] = field(default_factory=list)
    is_shown: list[bool] = field(default_factory=list)
    #: Of each article with a candidate: the best one's score, whether it was right, the source.
    best: list[tuple[float, bool, str]] = field(default_factory=list)


def run(told: Sequence[Told], judge: trees.Judge | None = None, join_from: float = 0.5) -> Run:
    """Join one after another; without a judge each article where it belongs."""
    index, found = Index(), Run()
    opened_by: dict[model.StoryId, str] = {}
    home_of: dict[str, model.StoryId] = {}
    for at, one in enumerate(told):
        if at % 20 == 0:
            index.forget(one.read.seen - WINDOW)
        compared = evidence.compare(one.read, index.near(one.read, WINDOW), index.rarity)
        right = [opened_by[each.story.id] == one.event for each in compared]
        for each, is_right in zip(compared, right, strict=True):
            found.choices.evidence.append(each.evidence)
            found.choices.is_right.append(is_right)
            found.choices.weights.append(1.0 if each.evidence.of_rule or not one.read.rules else OTHER_RULE)
        home = None
        if judge is None:
            home = home_of.get(one.event)
        elif compared:
            scores = [judge.score(each.evidence) for each in compared]
            best = int(np.argmax(scores))
            found.best.append((scores[best], right[best], one.source))
            if judge.chance(compared[best].evidence) >= join_from:
                home = compared[best].story.id
        if home is None or home not in index.stories:
            home = story_id(one.read.id)
            opened_by[home] = one.event
            home_of[one.event] = home
            found.is_shown.append(True)
        else:
            found.is_shown.append(False)
        index.add(home, one.read)
        found.stories.append(home)
    return found


def _by_desk(told: Sequence[Told]) -> list[list[list[Told]]]:
    """Desk, event, article."""
    desks: defaultdict[str, defaultdict[str, list[Told]]] = defaultdict(lambda: defaultdict(list))
    for one in told:
        desks[one.source][one.event].append(one)
    return [list(events.values()) for _, events in sorted(desks.items())]


def _starting(event: Sequence[Told], at: datetime) -> list[Told]:
    """An event's articles, the first at this time."""
    by = at - event[0].read.when
    return [replace(one, read=replace(one.read, when=one.read.when + by)) for one in event]


def beginnings(told: Sequence[Told], seed: int = 7) -> Choices:
    """A rule's first stories: in an empty index a few articles of one event, the first of another, and more."""
    chance, found = random.Random(seed), Choices()
    for events in _by_desk(told):
        for _ in range(BEGINNINGS):
            one, other = chance.sample(events, 2)
            many = chance.choice((1, 1, 2, 3))
            at = one[:many][-1].read.when + timedelta(hours=6 * chance.random())
            second = _starting(other, at)
            found.add(run([*one[:many], second[0], *one[many : many + 1], *second[1:2]]).choices, BEGINNING)
    return found


def look_alike(one: Told, chance: random.Random) -> Told | None:
    """Another event in the same words: the names and figures of the title are others, throughout.

    None where the title has no name but those of the rule.
    """
    assert one.arrival is not None
    article, taken = one.arrival.article, frozenset[str]().union(*one.read.rules.values())
    names = [written for name, written in one.read.names.items() if name in one.read.title and name not in taken]
    if not names:
        return None
    others = {name: "".join(chance.choice(SYLLABLES) for _ in range(3)).capitalize() for name in names}
    swapped = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b|\d+")

    def swap(found: re.Match[str]) -> str:
        return others.get(found[0]) or str(max(1, round(int(found[0]) * chance.uniform(0.3, 3))))

    made = replace(
        article,
        id=model.ArticleId(f"{article.id} {chance.random()}"),
        title=swapped.sub(swap, article.title),
        text=swapped.sub(swap, article.text),
        outlet=f"{article.outlet} {chance.random()}",
        published=article.when + timedelta(hours=6 * chance.random()),
    )
    return replace(one, read=profile.of(made, one.arrival.matches), event=f"like {one.event}")


def look_alikes(told: Sequence[Told], seed: int = 5) -> Choices:
    """In an empty index an article, its look-alike, then what follows the first."""
    chance, found = random.Random(seed), Choices()
    for events in _by_desk(told):
        for event in chance.sample(events, min(LOOK_ALIKES, len(events))):
            made = look_alike(event[0], chance)
            if made is not None:
                found.add(run([event[0], made, *event[1:2]]).choices, LOOK_ALIKE)
    return found


def read_desks(part: str) -> list[Told]:
    found = desk_rows.rows(desk_scores.load(part))
    return [
        Told(profile.of(row.arrival.article, row.arrival.matches), row.event, f"{part}/{row.item.desk}", row.arrival)
        for row in found
    ]


def read_examples() -> list[list[Told]]:
    """The project's own example: one thread, and another event with the same names; whole and as pairs of headlines."""
    rule = rules.compile_rule(
        model.Rule(
            name="example",
            notify=("bench",),
            all=(
                model.Line(label="product", terms=("BES", "BlackBerry")),
                model.Line(label="regulator", terms=("PTA", "Pakistan Telecommunication Authority")),
                model.Line(label="demand", terms=("backdoor*", "lawful access", "unfettered access")),
            ),
        )
    )
    ruleset, feed = rules.RuleSet([rule]), model.Feed(url="https://bench.example/feed")
    told = json.loads(DEMO.read_text("utf-8"))
    start = datetime.fromisoformat(told["start"])
    items = [(item["feed"], item["minute"], item["title"], item["text"]) for item in told["items"]]
    pairs = [[("wire", 0, *HEADLINES[0]), ("courier", 200, *other)] for other in HEADLINES[1:]]
    found = []
    for rows in (items, *pairs):
        read = []
        for feed_name, minute, title, text in rows:
            article = _article(feed_name, title, text, start + timedelta(minutes=minute))
            matches = ruleset.match(article, feed, now=article.when)
            if matches:
                event = "messenger" if "Messenger" in title else "exit"
                arrival = model.Arrival(article=article, matches=matches, is_baseline=False)
                read.append(Told(profile.of(article, matches), event, "example", arrival))
        found.append(read)
    return found


def _article(outlet: str, title: str, text: str, when: datetime) -> model.Article:
    key = f"{outlet} {title} {len(text)}"
    return model.Article(
        id=model.ArticleId(key),
        feed=outlet,
        outlet=outlet,
        owner=outlet,
        link=f"https://{outlet}.example/{len(key)}",
        title=title,
        text=text,
        published=when,
        first_seen=when,
        fingerprint=key,
    )


def read_set(name: str) -> list[Told]:
    found = storysets.load(name)
    found = storysets.spread(found) if name in storysets.ONE_TIME else found
    return [
        Told(
            profile.of(row.article),
            row.story,
            name,
            model.Arrival(article=row.article, matches=(), is_baseline=False),
        )
        for row in found
    ]
