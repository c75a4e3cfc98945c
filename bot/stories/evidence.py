"""What speaks for and against one event: an article beside an open story, as numbers.

Pure: it sees one article, its candidate stories and how rare words are under the rule that both matched. How much each
number weighs is learned (bench/quality/fit.py) and read in trees.py.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from bot.stories import roundups
from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity, Under

#: Time beyond this says no more.
LONG = timedelta(days=28)
DAY = timedelta(days=1)
#: Reports that follow sooner, or were told before the story's first, are of one age.
AT_ONCE = timedelta(minutes=5)
#: Articles beyond this add nothing to a story's breadth.
MANY = 8


class Evidence(NamedTuple):
    """One article and one story. Sums are of rarities; shares are 0 to 1; the head is title and first sentence.

    Words that the rule matched on count as words, never as names.
    """

    #: Cosine of all words; this story's lead over the next best.
    words: float
    lead: float
    #: Share of the article's title that one of the story's titles has.
    title_in_title: float
    #: The rarest name of both heads.
    top_name: float
    #: Names of the title that the story lacks: sum, share; names of the head that it lacks: share.
    new_names: float
    new_in_title: float
    new_in_head: float
    #: Share of the names of half of the story's heads that the article has not in its title, its head, at all.
    lacks_in_title: float
    lacks_in_head: float
    lacks: float
    #: Figures that both have; the title has one, and none that the story has, which has others in its titles.
    figures: float
    figures_clash: float
    #: What the titles say happened: kinds that both have, and those that the story's lack.
    meanings: float
    new_meanings: float
    #: Days since the nearer end of the story, since its first article (logarithms).
    days: float
    age: float
    #: It names days that the story names; one that is past, when the story was told; one of its own, after the story.
    days_shared: float
    day_back: float
    day_new: float
    #: The story's articles, the article's words, the rule's open stories (logarithms; 0: no rule is shared).
    size: float
    length: float
    of_rule: float
    #: It says "another"; its title says that something went on; share of the rule's lines that the title meets.
    another: float
    follows: float
    title_matches: float
    same_outlet: float
    #: Candidates whose own subject the article names: a round-up, or background.
    told: float


class _Own(NamedTuple):
    """The article under one rule."""

    rare: Under
    terms: AbstractSet[str]
    square: float
    title: list[tuple[str, float]]
    head: list[tuple[str, float]]
    title_sum: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One candidate and what speaks for it."""

    story: OpenStory
    evidence: Evidence


def compare(read: Profile, near: Sequence[OpenStory], rarity: Rarity) -> list[Compared]:
    """The evidence for each of the nearest stories, set beside the others."""
    under: dict[str, _Own] = {}
    found = []
    for story in near:
        rare = rarity.under(story.rules.intersection(read.rules))
        own = under.get(rare.rule) or under.setdefault(rare.rule, _own(read, rare))
        found.append(Compared(story, _alone(read, story, own)))
    told = roundups.told(read, near, rarity.under(read.rules)) if len(near) > 1 else 0
    best, second = sorted([0.0, 0.0, *(one.evidence.words for one in found)])[:-3:-1]
    return [
        replace(
            one,
            evidence=one.evidence._replace(
                lead=one.evidence.words - (second if one.evidence.words == best else best), told=told
            ),
        )
        for one in found
    ]


def _own(read: Profile, rare: Under) -> _Own:
    title, head = [(word, rare[word]) for word in read.title], [(word, rare[word]) for word in read.head]
    return _Own(
        rare,
        rare.terms | read.rules.get(rare.rule, frozenset()),
        rare.square(read.weights),
        title,
        head,
        _sum(title),
    )


def _alone(read: Profile, story: OpenStory, own: _Own) -> Evidence:
    heads, names, our_names, rare, terms = story.heads, story.names, read.names, own.rare, own.terms
    ours, theirs = read.weights, story.weights
    shared = ours.keys() & theirs.keys()
    both = sum([ours[word] * theirs[word] * rare[word] ** 2 for word in shared])
    square = rare.square(theirs) if both else 0.0
    is_name = {word for word in read.head if word in our_names or (word in names and word in heads)} - terms
    title_names = [(word, worth) for word, worth in own.title if word in is_name]
    head_names = [(word, worth) for word, worth in own.head if word in is_name]
    new_title, new_head = _lacking(title_names, heads, shared), _lacking(head_names, heads, shared)
    chief = [(word, rare[word]) for word in story.core if word in names and word not in terms]
    lacks_title, lacks_head, lacks = (_lacking(chief, holder) for holder in (read.title, read.head, ours))
    of_chief = _sum(chief)
    in_title = [word for word in read.figures if word in read.title]
    today, first, last = read.when.date(), story.first.date(), story.last.date()
    return Evidence(
        words=_share(both, math.sqrt(own.square * square)),
        lead=0.0,
        title_in_title=max([_share(_held(own.title, one.title), own.title_sum) for one in story.samples]),
        top_name=max([worth for word, worth in head_names if word in heads], default=0.0),
        new_names=new_title,
        new_in_title=_share(new_title, _sum(title_names)),
        new_in_head=_share(new_head, _sum(head_names)),
        lacks_in_title=_share(lacks_title, of_chief),
        lacks_in_head=_share(lacks_head, of_chief),
        lacks=_share(lacks, of_chief),
        figures=sum([rare[word] for word in read.figures if word in story.figures]),
        figures_clash=bool(in_title)
        and story.figures.isdisjoint(in_title)
        and not story.figures.isdisjoint(story.titles),
        meanings=len(read.meanings & story.meanings),
        new_meanings=len(read.meanings - story.meanings),
        days=_days(story.since(read.when)),
        age=_days(max(read.when - story.first, AT_ONCE)),
        days_shared=len(read.days & story.days),
        day_back=any(first - 2 * DAY <= day <= last and day < today - DAY for day in read.days),
        day_new=any(abs(day - today) <= DAY and day > last + DAY for day in read.days),
        size=math.log(min(story.size, MANY)),
        length=math.log(read.length or 1),
        of_rule=math.log1p(rare.stories),
        another=read.another,
        follows=min(read.follows, 2),
        title_matches=read.title_matches,
        same_outlet=read.outlet in story.outlets,
        told=0.0,
    )


def _days(passed: timedelta) -> float:
    return math.log1p(min(max(passed, timedelta()), LONG) / DAY)


def _sum(words: Iterable[tuple[str, float]]) -> float:
    return sum([worth for _, worth in words])


def _held(words: Iterable[tuple[str, float]], holder: Container[str]) -> float:
    return sum([worth for word, worth in words if word in holder])


def _lacking(words: Iterable[tuple[str, float]], *holders: Container[str]) -> float:
    return sum([worth for word, worth in words if not any(word in holder for holder in holders)])


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
