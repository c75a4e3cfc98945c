"""States of a feed, and what answers and readings make of them."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from bot import model
from bot.feeds import polling
from testbed.fakes import START

URL = "https://news.example.org/feed"
FEED = model.Feed(url=URL)
POLICY = model.FetchPolicy()
EVERY = POLICY.every
#: A wait is lengthened by up to a tenth at random, and stays within at_least.
LONGEST = POLICY.at_least / 1.1
FRESH = model.FeedState(url=URL, due_at=START)
READ = dataclasses.replace(
    FRESH, baseline_at=START - timedelta(days=1), ok_at=START - EVERY, etag='"v1"', last_modified="then", item_count=3
)
WELL = model.Response(status=304, url=URL)
PAGE = model.Response(status=200, url=URL, body=b"<rss/>", etag='"v2"', last_modified="now")


def answered(
    state: model.FeedState,
    answer: model.Response,
    *,
    now: datetime = START,
    jitter: float = 0.0,
    feed: model.Feed = FEED,
) -> model.FeedState:
    return polling.FinishedPoll(state, feed, POLICY, now, jitter).after_answer(answer)


def was_read(
    state: model.FeedState,
    reading: model.ParsedFeed,
    answer: model.Response = PAGE,
    *,
    new: int = 0,
    now: datetime = START,
    jitter: float = 0.0,
) -> model.FeedState:
    return polling.FinishedPoll(state, FEED, POLICY, now, jitter).after_reading(
        reading, answer, digest=polling.hash_body(answer.body), new_count=new, arrivals=[now] * new
    )


def entries(*dates: datetime | None) -> tuple[model.Entry, ...]:
    return tuple(model.Entry(title=str(date), published=date) for date in dates)


def status(code: int, **more: object) -> model.Response:
    return dataclasses.replace(model.Response(status=code, url=URL), **more)  # type: ignore[arg-type] # fields by name
