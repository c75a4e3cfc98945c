"""Google News: a search or a topic in one of its editions."""

from __future__ import annotations

import re
from datetime import timedelta

from bot import model
from bot.polling.places import kit

_FORM = "google-news:words, google-news:topic/TECHNOLOGY, or google-news:en-PK:words for another edition"
_TOPICS = "WORLD|NATION|BUSINESS|TECHNOLOGY|ENTERTAINMENT|SPORTS|SCIENCE|HEALTH"


def _feed(rest: str, has_token: bool) -> model.Feed:
    named = re.match(r"([a-z]{2,3})-([A-Z]{2}):\s*", rest)
    language, country = named.groups() if named else ("en", "US")
    rest = rest[named.end() :] if named else rest
    edition = f"hl={language}-{country}&gl={country}&ceid={country}:{language}"
    if rest.startswith("topic/"):
        found = kit.name(re.fullmatch(rf"topic/(?:({_TOPICS})|([A-Za-z0-9]{{20,200}}))", rest, re.ASCII), form=_FORM)
        path = f"headlines/section/topic/{found[1]}?" if found[1] else f"topics/{found[2]}?"
    else:
        path = f"search?q={kit.words(rest, form=_FORM)}&"
    return model.Feed(url=f"https://news.google.com/rss/{path}{edition}", aggregator=True)


PLACE = kit.Place(
    name="google-news",
    forms={
        "google-news:WORDS (quotation marks, OR, -, site:, when:1d)": 'google-news:"BlackBerry" Pakistan when:7d',
        "google-news:topic/TOPIC": "google-news:topic/TECHNOLOGY",
        "google-news:LANGUAGE-COUNTRY:…": "google-news:en-PK:BlackBerry",
    },
    feed=_feed,
    hosts={"news.google.com": kit.alike(every=timedelta(minutes=10), pace=timedelta(seconds=2))},
    hides_links=True,
)
