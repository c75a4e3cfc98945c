"""One document: what is done with it, wherever that is."""

from __future__ import annotations

from typing import NamedTuple

from bot import articles, model, ports, sources


class Job(NamedTuple):
    body: ports.Body
    feed: model.Feed
    #: Nothing of this feed is stored yet.
    is_first: bool


class Done(NamedTuple):
    reading: model.Reading
    look_up: articles.Lookup


def do(job: Job) -> Done:
    """Blocking. Raises ReadError."""
    reading = sources.read(job.body)
    return Done(reading, articles.look_up(job.feed, reading, is_first=job.is_first))
