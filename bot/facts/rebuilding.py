"""The claims of a story whose own were not kept: made again from its articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import model
from bot.facts import judge
from bot.facts.claims import StoryClaims
from bot.facts.news import news
from bot.facts.reading import read

#: Articles read of a story's beginning and of its end; what lies between is in neither and seldom said only there.
FIRST, LAST = 8, 120

#: The sureness from which what a live page adds is told: it cannot be another event's.
LIVE = 0.35


def claims_of(articles: Sequence[model.Article]) -> StoryClaims:
    """In order of joining; bounded, so that it costs the same from some hundred articles on."""
    claims = StoryClaims()
    read_of = articles if len(articles) <= FIRST + LAST else (*articles[:FIRST], *articles[-LAST:])
    for article in read_of:
        reading = read(article)
        claims.add(reading, news(claims, reading))
    claims.count = len(articles)
    return claims


def news_of_version(claims: StoryClaims, after: model.Article) -> tuple[model.Fact, ...]:
    """What a live page's next version adds to itself and to the others; the claims take it in."""
    reading = read(after)
    # It is about several events: a value that differs from an earlier one is mostly of another thing.
    found = news(claims, reading, judged_by=replace(judge.shipped(), threshold=LIVE), quotes_only=True)
    claims.add(reading, found, is_version=True)
    return found
