"""Limit how many items of one feed are stored per day (``fetch.max_items_per_day``), so that no feed fills the disk.

Pure. The feed's state counts by UTC day. Items over the limit are stored on the next day, if the feed still has them:
its document is parsed as a whole until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot import model

#: An item with a longer text counts as several, so that the limit also bounds bytes.
ITEM_CHARACTERS = 20_000
#: The kind of its health event.
KIND = "flood"


def fitting(state: model.FeedState, lengths: Sequence[int], *, most: int, now: datetime) -> tuple[int, int]:
    """Return how many of these items may be stored, from the first on, and how much they count.

    ``lengths`` are the characters of each item's text. One item always fits on a day with nothing stored.
    """
    used = _used_today(state, now)
    fits = cost = 0
    for length in lengths:
        item_cost = 1 + length // ITEM_CHARACTERS
        if used + cost + item_cost > most and used + cost > 0:
            break
        cost += item_cost
        fits += 1
    return fits, cost


def _used_today(state: model.FeedState, now: datetime) -> int:
    """Return how many articles of the feed were stored on the UTC day of ``now``."""
    return state.day_count if state.day == now.date() else 0


def counted(
    state: model.FeedState, *, cost: int, names: int, left: int, most: int, now: datetime, etag: str | None = None
) -> model.FeedState:
    """Return the state after a reading of which ``left`` items were not stored; the others counted ``cost``, ``names``.

    ``etag`` makes the next request return the items that were not stored.
    """
    is_new_day = state.day != now.date()
    state = replace(
        state,
        day=now.date(),
        day_count=_used_today(state, now) + cost,
        day_names=names + (0 if is_new_day else state.day_names),
        left_count=left,
        # Reported once a day.
        told=tuple(kind for kind in state.told if kind != KIND) if is_new_day else state.told,
    )
    if not left:
        return state
    items = f"{model.counted(left, 'item')} {'was' if left == 1 else 'were'}"
    remark = f"{items} left for tomorrow: {most} a day are stored (fetch.max_items_per_day)"
    return replace(
        state,
        # Otherwise the unchanged document would not be parsed again.
        body_hash=None,
        etag=etag,
        last_modified=None,
        item_hashes=(),
        remarks=(*state.remarks, remark),
    )
