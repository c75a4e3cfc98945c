"""States of a feed, and what answers and readings make of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.feeds import polling
from bot.model.feeds import Entry, Feed, FeedState, ParsedFeed, Rhythm, Validators
from bot.model.fetching import Response
from bot.model.settings import FetchPolicy
from tests.testbed.fakes import START

URL = "https://news.example.org/feed"
FEED = Feed(url=URL)
POLICY = FetchPolicy()
EVERY = POLICY.every
#: A wait is lengthened by up to a tenth at random, and stays within at_least.
LONGEST = POLICY.at_least / 1.1
FRESH = FeedState(url=URL, due_at=START)
READ = replace(
    FRESH,
    baseline_at=START - timedelta(days=1),
    ok_at=START - EVERY,
    validators=Validators(etag='"v1"', last_modified="then"),
    rhythm=Rhythm(item_count=3),
)
WELL = Response(status=304, url=URL)
PAGE = Response(status=200, url=URL, body=b"<rss/>", etag='"v2"', last_modified="now")


def answered(
    state: FeedState,
    answer: Response,
    *,
    now: datetime = START,
    jitter: float = 0.0,
    feed: Feed = FEED,
) -> FeedState:
    return polling.FinishedPoll(state, feed, POLICY, now, jitter).after_answer(answer)


def was_read(
    state: FeedState,
    reading: ParsedFeed,
    answer: Response = PAGE,
    *,
    new: int = 0,
    now: datetime = START,
    jitter: float = 0.0,
) -> FeedState:
    return polling.FinishedPoll(state, FEED, POLICY, now, jitter).after_reading(
        reading, answer, digest=polling.hash_body(answer.body), new_count=new, arrivals=[now] * new
    )


def entries(*dates: datetime | None) -> tuple[Entry, ...]:
    return tuple(Entry(title=str(date), published=date) for date in dates)


def status(code: int, **more: object) -> Response:
    return replace(Response(status=code, url=URL), **more)  # fields by name
