"""Poll the obvious way, for comparison: every feed at one fixed interval, with conditional requests."""

from __future__ import annotations

import heapq
from datetime import timedelta
from random import Random

from bench.soak.simulation.origin import Origin
from bench.soak.simulation.witness import Witness
from bench.soak.simulation.world import Trouble, World


def poll(world: World, *, every: timedelta, per_host: int, since: float, until: float) -> Witness:
    """All of it from the start, by the world's own time; every poll begins on the second that it is due."""
    witness, origin, rng = Witness(world, per_host=per_host, since=since), Origin(world), Random(3)
    interval = every.total_seconds()
    due = [(rng.uniform(0, interval), feed.number) for feed in world.feeds]
    heapq.heapify(due)
    validators: dict[int, tuple[str | None, str | None]] = {}
    while due[0][0] < until:
        moment, number = heapq.heappop(due)
        heapq.heappush(due, (moment + interval, number))
        feed = world.feeds[number]
        tag, modified = validators.get(number, (None, None))
        for is_moved in (False, True):
            witness.asked(feed, moment)
            reply = origin.answer(feed, moment, is_moved=is_moved, etag=tag, last_modified=modified)
            if reply.trouble is Trouble.HANGS:
                witness.broke_off(feed, moment)
            else:
                witness.answered(reply, moment)
            if reply.status != 301:
                break
        if reply.status == 200:
            headers = dict(reply.headers)
            validators[number] = (headers.get("ETag"), headers.get("Last-Modified"))
    return witness
