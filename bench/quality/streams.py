"""Load labelled news as streams: the articles that one rule collects, in order of arrival, each with its event.

desks            eight parts by eight authors; each desk has one narrow rule
labels-a, -b     real feeds and story sets under rules of names and topics, labelled by reading (pools.py)
everyday         real feeds under ten everyday rules, labelled by reading (feed_rows.py)
families         one company or person with different events, or one event in many wordings (families.yaml)
local, drawn     rules applied to the labelled story sets (set_rules.py)
sets             the labelled story sets without a rule
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from bench.quality import desk_rows, desk_scores, feed_rows, pools, set_rules, storysets
from bot import rules
from bot.model.archive import Arrival
from bot.model.feeds import Feed
from bot.model.rules import Line, Rule
from bot.model.stories import Article, ArticleId
from bot.stories import profile
from bot.stories.profile import Profile

FAMILIES = Path(__file__).with_name("families.yaml")
UNSEEN_FAMILIES = Path(__file__).with_name("unseen_families.yaml")
DEMO = Path(__file__).parents[2] / "bot" / "demo" / "story.json"
SETS = ("lede-feeds", "allsides", "basil", "ecbplus", "fnc")
#: Of the project's own example: the first report, then another event, then the first event again.
HEADLINES = (
    ("BlackBerry quits Pakistan after PTA sought backdoor into BES", "The company will leave Pakistan, it said."),
    (
        "Pakistan lifts ban on BlackBerry Messenger in Sindh after police get backdoor access to chat logs",
        "PTA said so.",
    ),
    ("Pakistan lifts ban on BlackBerry Messenger in Sindh after PTA gets backdoor access to chat logs", ""),
    ("BlackBerry pulls out of Pakistan as PTA insists on backdoor", ""),
)
#: What is made of desks and labels: beginnings of a rule, and other events in the same words.
BEGINNINGS, LOOK_ALIKES = 4, 6
#: The weight of a choice there.
MADE = 0.25
SYLLABLES = "ba do ver lin mar to ques na rel so vi kan dru pe ost hal".split()
FEED = Feed(url="https://bench.example/feed")


@dataclass(frozen=True, slots=True)
class Report:
    """An article, read, and its event."""

    read: Profile
    event: str
    #: The rule or desk.
    source: str
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Stream:
    """Reports in order of arrival."""

    #: What is left out together of a fit: an author, a part of the labels.
    group: str
    weight: float
    reports: list[Report]


def report(arrival: Arrival, event: str, source: str) -> Report:
    """Return an arrival with its event."""
    return Report(profile.profile_of(arrival.article, arrival.matches), event, source, arrival)


def load() -> list[Stream]:
    """Return everything that the judge is fitted on."""
    found = []
    for part in (*desk_rows.PARTS, *desk_scores.OWN_PARTS):
        desk = read_desks(part)
        found.append(Stream(f"desk-{part}", 1.0, desk))
        found += [Stream(f"desk-{part}", MADE, each) for each in _made(desk)]
    for part in pools.FITTED:
        for news in read_labels(part):
            found.append(Stream(f"labels-{part}", 1.5, news))
            found += [Stream(f"labels-{part}", MADE, each) for each in _made(news)]
    reported = {row.arrival.article.id for rows in pools.labelled(pools.PARTS[-1]).values() for row in rows}
    for each in read_everyday():
        found.append(Stream("everyday", 1.0, [one for one in each if one.read.id not in reported]))
    found += [Stream("families", 1.5, each) for each in read_families(FAMILIES)]
    found += [Stream("example", 3.0, each) for each in read_examples()]
    for name in set_rules.DRAWN:
        group, weight = ("gva", 0.1) if name == "gva" else ("sets", 0.5)
        drawn = set_rules.drawn(name)
        found += [Stream(group, weight, [report(*row) for row in rows]) for rows in drawn[:: 2 if name == "gva" else 1]]
    found += [Stream("gva", 0.2, [report(*row) for row in rows]) for rows in set_rules.local()]
    found += [Stream("sets", 0.3, read_set(name)) for name in SETS]
    return found


def read_desks(part: str) -> list[Report]:
    """Return the items of one part of the desks, one of each desk a round."""
    rows = desk_rows.rows(desk_scores.load(part))
    return [report(row.arrival, row.event, f"{part}/{row.item.desk}") for row in rows]


def read_labels(part: str) -> list[list[Report]]:
    """Return what each rule of a part of the labels collects."""
    return [[report(row.arrival, row.event, rule) for row in rows] for rule, rows in pools.labelled(part).items()]


def read_everyday() -> list[list[Report]]:
    """Return what each everyday rule collects."""
    by_rule: defaultdict[str, list[Report]] = defaultdict(list)
    for row in sorted(
        (row for half in feed_rows.HALVES for row in feed_rows.rows(half)),
        key=lambda row: row.arrival.article.first_seen,
    ):
        by_rule[row.rule].append(report(row.arrival, row.event, row.rule))
    return list(by_rule.values())


def read_set(name: str) -> list[Report]:
    """Return a story set, which no rule collected."""
    rows = storysets.load(name)
    rows = storysets.spread(rows) if name in storysets.ONE_TIME else rows
    return [report(Arrival(article=row.article, matches=(), is_baseline=False), row.story, name) for row in rows]


def read_families(file: Path) -> list[list[Report]]:
    """Return the reports of each family that its rule matches, in order of time."""
    found = []
    for family in yaml.safe_load(file.read_text("utf-8")):
        lines = (Line(label="terms", terms=tuple(family["terms"])),)
        ruleset = rules.RuleSet([rules.compile_rule(Rule(name=family["family"], notify=("bench",), any=lines))])
        reports = []
        for event, written in family["events"].items():
            for outlet, hours, title, text in written:
                article = _article(outlet, title, text, datetime(2026, 3, 2, 7, tzinfo=UTC) + timedelta(hours=hours))
                if matches := ruleset.match(article, FEED, now=article.when):
                    arrival = Arrival(article=article, matches=matches, is_baseline=False)
                    reports.append(report(arrival, f"{family['family']}/{event}", family["family"]))
        found.append(sorted(reports, key=lambda one: one.read.when))
    return found


def read_examples() -> list[list[Report]]:
    """Return the project's own example: one thread, and another event with the same names; whole, and as pairs."""
    rule = rules.compile_rule(
        Rule(
            name="example",
            notify=("bench",),
            all=(
                Line(label="product", terms=("BES", "BlackBerry")),
                Line(label="regulator", terms=("PTA", "Pakistan Telecommunication Authority")),
                Line(label="demand", terms=("backdoor*", "lawful access", "unfettered access")),
            ),
        )
    )
    ruleset = rules.RuleSet([rule])
    document = json.loads(DEMO.read_text("utf-8"))
    start = datetime.fromisoformat(document["start"])
    items = [(item["feed"], item["minute"], item["title"], item["text"]) for item in document["items"]]
    pairs = [[("wire", 0, *HEADLINES[0]), ("courier", 200, *other)] for other in HEADLINES[1:]]
    found = []
    for rows in (items, *pairs):
        reports = []
        for outlet, minute, title, text in rows:
            article = _article(outlet, title, text, start + timedelta(minutes=minute))
            if matches := ruleset.match(article, FEED, now=article.when):
                event = "messenger" if "Messenger" in title else "exit"
                arrival = Arrival(article=article, matches=matches, is_baseline=False)
                reports.append(report(arrival, event, "example"))
        found.append(reports)
    return found


def _made(reports: Sequence[Report]) -> list[list[Report]]:
    return [*beginnings(reports), *look_alikes(reports), *look_alikes([_bare(one) for one in reports])]


def _bare(one: Report) -> Report:
    """Return the report as its headline alone."""
    return report(replace(one.arrival, article=replace(one.arrival.article, text="")), one.event, one.source)


def beginnings(desk: Sequence[Report], seed: int = 7) -> list[list[Report]]:
    """Return a rule's first stories: a few articles of one event, the first of another, and more of both.

    In the desks the reports of one event follow within the hour and other events do not; here they do.
    """
    chance, found = random.Random(seed), []
    for events in _by_desk(desk):
        for _ in range(BEGINNINGS):
            one, other = chance.sample(events, 2)
            many = chance.choice((1, 1, 2, 3))
            moved = one[:many][-1].read.when + timedelta(hours=6 * chance.random()) - other[0].read.when
            second = [replace(each, read=replace(each.read, when=each.read.when + moved)) for each in other[:2]]
            found.append([*one[:many], second[0], *one[many : many + 1], *second[1:]])
    return found


def look_alikes(desk: Sequence[Report], seed: int = 5) -> list[list[Report]]:
    """Return articles, each with another event in the same words, then what follows the first."""
    chance, found = random.Random(seed), []
    for events in _by_desk(desk):
        for event in chance.sample(events, min(LOOK_ALIKES, len(events))):
            other = _look_alike(event[0], chance)
            found += [[event[0], other, *event[1:2]]] if other else []
    return found


def _look_alike(one: Report, chance: random.Random) -> Report | None:
    """Return the article with other names and figures in its title, throughout; None where it has no such name."""
    article, terms = one.arrival.article, frozenset[str]().union(*one.read.rules.values())
    names = [written for name, written in one.read.names.items() if name in one.read.title and name not in terms]
    if not names:
        return None
    others = {name: "".join(chance.choice(SYLLABLES) for _ in range(3)).capitalize() for name in names}
    swapped = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b|\d+")

    def swap(match: re.Match[str]) -> str:
        return others.get(match[0]) or str(max(1, round(int(match[0]) * chance.uniform(0.3, 3))))

    made = replace(
        article,
        id=ArticleId(f"{article.id} {chance.random()}"),
        title=swapped.sub(swap, article.title),
        text=swapped.sub(swap, article.text),
        outlet=f"{article.outlet} {chance.random()}",
        published=article.when + timedelta(hours=6 * chance.random()),
    )
    return report(replace(one.arrival, article=made), f"like {one.event}", one.source)


def _by_desk(desk: Sequence[Report]) -> list[list[list[Report]]]:
    """Desk, event, article."""
    desks: defaultdict[str, defaultdict[str, list[Report]]] = defaultdict(lambda: defaultdict(list))
    for one in desk:
        desks[one.source][one.event].append(one)
    return [list(events.values()) for _, events in sorted(desks.items())]


def _article(outlet: str, title: str, text: str, when: datetime) -> Article:
    key = hashlib.sha256(f"{outlet} {title} {text}".encode()).hexdigest()
    return Article(
        id=ArticleId(key[:20]),
        feed=outlet,
        outlet=outlet,
        owner=outlet,
        link=f"https://{desk_scores.slug(outlet)}.example/{key[:12]}",
        title=title,
        text=text,
        published=when,
        first_seen=when,
        fingerprint=key,
    )
