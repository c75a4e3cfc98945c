"""What speaks for and against one event: an article beside an open story, as numbers.

Pure: it sees one article, its candidate stories and how rare words are under the rule that both matched. How much each
number weighs is learned (bench/fit.py) and read in trees.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from bot.stories import copies, roundups
from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity, Under

#: Time beyond this says no more.
LONG = timedelta(days=28)
DAY = timedelta(days=1)
#: Articles beyond this add nothing to a story's breadth.
MANY = 8


class Evidence(NamedTuple):
    """One article and one story. Sums are of rarities; shares are 0 to 1; the head is title and first sentence."""

    #: Cosine of all words, at large and under the rule.
    words: float
    words_rule: float
    #: Share of the article's head, of its title, that one of its sampled articles has there too.
    near_head: float
    near_title: float
    #: Share of the article's title that the story has in its heads, anywhere; of its head, anywhere.
    title_in_heads: float
    title_in_story: float
    head_in_story: float
    #: Share of the story's headlines (the best covered) that the article has in its head, anywhere.
    titles_in_head: float
    titles_in_article: float
    #: Share of what half of the story's heads have that the article has in its title, its head, anywhere.
    core_in_title: float
    core_in_head: float
    core_in_article: float
    #: Names that both have in the titles, in the heads; the rarest of title, head, anywhere.
    names_titles: float
    names_heads: float
    top_title: float
    top_head: float
    top_any: float
    #: Names of the title that the story lacks: sum, share; names of the head that it lacks: share.
    new_names: float
    new_names_share: float
    new_head_share: float
    #: Share of the story's chief names that the article has not in its title, its head, at all.
    lacks_title: float
    lacks_head: float
    lacks_any: float
    #: Each side names what the other lacks: titles, heads.
    strangers_title: float
    strangers_head: float
    #: Figures that both have; of the title that the story lacks; both titles have others.
    figures: float
    figures_new: float
    figures_clash: float
    #: Days since the nearer end of the story (logarithm), since its beginning; both name one day.
    days: float
    age: float
    same_day: float
    #: The story's articles (logarithm), the article's words (logarithm).
    size: float
    length: float
    #: It says "another"; tells of days before; its title says that something went on; share of the rule's lines that
    #: the title meets.
    another: float
    recalls: float
    follows: float
    title_matches: float
    same_outlet: float
    #: Part of the shorter text that both share word for word, with the most like late article.
    copied: float
    #: Stories of the rule (logarithm); 0 where no rule is shared.
    of_rule: float
    #: This story's lead over the next best: in words under the rule, in names of the heads, in cover of the title.
    lead_words: float
    lead_names: float
    lead_title: float
    #: Words of the title that another candidate has in its heads and this story not at all.
    rival_title: float
    #: Candidates whose own subject the article names: a round-up, or background.
    told: float


class _Own(NamedTuple):
    """The article under one rule."""

    rare: Under
    square: float
    title: list[tuple[str, float]]
    head: list[tuple[str, float]]
    title_sum: float
    head_sum: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One candidate and what speaks for it."""

    story: OpenStory
    evidence: Evidence
    own: _Own


def compare(read: Profile, near: Sequence[OpenStory], rarity: Rarity) -> list[Compared]:
    """The evidence for each of the nearest stories, set beside the others."""
    under = {"": _own(read, rarity.under(()))}
    found = []
    for story in near:
        rare = rarity.under(story.rules.intersection(read.rules))
        own = under.get(rare.rule) or under.setdefault(rare.rule, _own(read, rare))
        found.append(Compared(story, _alone(read, story, under[""], own), own))
    told = roundups.told(read, near, rarity.under(read.rules)) if len(near) > 1 else 0
    return [_beside(one, found, told) for one in found]


def _own(read: Profile, rare: Under) -> _Own:
    title, head = [(word, rare[word]) for word in read.title], [(word, rare[word]) for word in read.head]
    return _Own(
        rare,
        sum([(weight * rare[word]) ** 2 for word, weight in read.weights.items()]),
        title,
        head,
        sum([worth for _, worth in title]),
        sum([worth for _, worth in head]),
    )


def _beside(one: Compared, found: Sequence[Compared], told: int) -> Compared:
    mine, others = one.evidence, [other for other in found if other is not one]
    title = [(word, worth) for word, worth in one.own.title if word not in one.story.totals]
    beside = mine._replace(
        lead_words=mine.words_rule - max([other.evidence.words_rule for other in others], default=0.0),
        lead_names=mine.names_heads - max([other.evidence.names_heads for other in others], default=0.0),
        lead_title=mine.title_in_heads - max([other.evidence.title_in_heads for other in others], default=0.0),
        rival_title=max([_held(title, other.story.heads) for other in others], default=0.0),
        told=told,
    )
    return replace(one, evidence=beside)


def _cosine(read: Profile, story: OpenStory, own: _Own, shared: AbstractSet[str]) -> float:
    ours, theirs, rare = read.weights, story.weights, own.rare
    both = sum([ours[word] * theirs[word] * rare[word] ** 2 for word in shared])
    square = sum([(weight * rare[word]) ** 2 for word, weight in theirs.items()]) if both else 0.0
    return _share(both, math.sqrt(own.square * square))


def _alone(read: Profile, story: OpenStory, at_large: _Own, own: _Own) -> Evidence:
    heads, titles, names, our_names, rare = story.heads, story.titles, story.names, read.names, own.rare
    shared = read.weights.keys() & story.weights.keys()
    words_rule = _cosine(read, story, own, shared)
    terms = rare.terms | read.rules.get(rare.rule, frozenset())
    title_names = [
        (word, worth)
        for word, worth in own.title
        if (word in our_names or (word in names and word in heads)) and word not in terms
    ]
    head_names = [
        (word, worth)
        for word, worth in own.head
        if (word in our_names or (word in names and word in heads)) and word not in terms
    ]
    new_names = [worth for word, worth in title_names if word not in heads and word not in shared]
    new_head = [worth for word, worth in head_names if word not in heads and word not in shared]
    core = [(word, rare[word]) for word in story.core]
    chief = [(word, worth) for word, worth in core if word in names and word not in terms]
    core_sum, chief_sum = sum([worth for _, worth in core]), sum([worth for _, worth in chief])
    title_figures = [word for word in read.figures if word in read.title]
    new_figures = [rare[word] for word in title_figures if word not in story.figures]
    clash = bool(title_figures) and len(new_figures) == len(title_figures)
    near = [_near(read, one, own) for one in story.samples]
    new_title_share = _share(sum(new_names), sum([worth for _, worth in title_names]))
    new_head_share = _share(sum(new_head), sum([worth for _, worth in head_names]))
    lacks_title = _share(chief_sum - _held(chief, read.title), chief_sum)
    lacks_head = _share(chief_sum - _held(chief, read.head), chief_sum)
    return Evidence(
        words=words_rule if own is at_large else _cosine(read, story, at_large, shared),
        words_rule=words_rule,
        near_head=max([one[0] for one in near]),
        near_title=max([one[1] for one in near]),
        title_in_heads=_share(_held(own.title, heads), own.title_sum),
        title_in_story=_share(_held(own.title, shared), own.title_sum),
        head_in_story=_share(_held(own.head, shared), own.head_sum),
        titles_in_head=max([one[2] for one in near]),
        titles_in_article=max([one[3] for one in near]),
        core_in_title=_share(_held(core, read.title), core_sum),
        core_in_head=_share(_held(core, read.head), core_sum),
        core_in_article=_share(_held(core, read.weights), core_sum),
        names_titles=_held(title_names, titles),
        names_heads=_held(head_names, heads),
        top_title=max([worth for word, worth in title_names if word in heads], default=0.0),
        top_head=max([worth for word, worth in head_names if word in heads], default=0.0),
        top_any=max([rare[word] for word in shared if word in our_names or word in names], default=0.0),
        new_names=sum(new_names),
        new_names_share=new_title_share,
        new_head_share=new_head_share,
        lacks_title=lacks_title,
        lacks_head=lacks_head,
        lacks_any=_share(chief_sum - _held(chief, read.weights), chief_sum),
        strangers_title=math.sqrt(new_title_share * lacks_title),
        strangers_head=math.sqrt(new_head_share * lacks_head),
        figures=sum([rare[word] for word in read.figures if word in story.figures]),
        figures_new=sum(new_figures),
        figures_clash=clash and any(word in titles for word in story.figures),
        days=math.log1p(min(story.since(read.when), LONG) / DAY),
        age=math.log1p(min(abs(read.when - story.first), LONG) / DAY),
        same_day=not read.days.isdisjoint(story.days),
        size=math.log(min(story.size, MANY)),
        length=math.log(read.length or 1),
        another=read.another,
        recalls=read.recalls,
        follows=min(read.follows, 2),
        title_matches=read.title_matches,
        same_outlet=read.outlet in story.outlets,
        copied=max([copies.shared(read.sketch, one.sketch) for one in story.latest(read)], default=0.0),
        of_rule=math.log1p(rare.stories),
        lead_words=0.0,
        lead_names=0.0,
        lead_title=0.0,
        rival_title=0.0,
        told=0.0,
    )


def _near(read: Profile, other: Profile, own: _Own) -> tuple[float, float, float, float]:
    """Share of the article's head and title that one of the story's has; of its title that the article has."""
    theirs = [(word, own.rare[word]) for word in other.title]
    total = sum([worth for _, worth in theirs])
    return (
        _share(_held(own.head, other.head), own.head_sum),
        _share(_held(own.title, other.title), own.title_sum),
        _share(_held(theirs, read.head), total),
        _share(_held(theirs, read.weights), total),
    )


def _held(words: Iterable[tuple[str, float]], holder: Mapping[str, object] | AbstractSet[str]) -> float:
    return sum([worth for word, worth in words if word in holder])


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
