"""GDELT: the DOC API, a search over the news of the world, of the last day."""

from __future__ import annotations

from datetime import timedelta

from bot import model
from bot.polling.places import kit


def _feed(rest: str, has_token: bool) -> model.Feed:
    query = kit.words(rest, form='gdelt:words of a search, such as gdelt:"BlackBerry" sourcecountry:pakistan')
    asked = "mode=artlist&format=rss&sort=datedesc&maxrecords=250&timespan=1d"
    return model.Feed(url=f"https://api.gdeltproject.org/api/v2/doc/doc?query={query}&{asked}", aggregator=True)


PLACE = kit.Place(
    name="gdelt",
    forms={
        'gdelt:WORDS ("…", OR in brackets, sourcelang:, domain:)': 'gdelt:"BlackBerry" (Pakistan OR Islamabad)',
    },
    feed=_feed,
    hosts={"api.gdeltproject.org": kit.alike(every=timedelta(minutes=15), pace=timedelta(seconds=6))},
    limit_text=b"Please limit requests",
)
