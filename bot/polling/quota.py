"""How much of one feed is stored on one day (``fetch.max_items_per_day``), so that no feed fills the disk.

Pure. Counted by days of UTC in the feed's state. What is left for the next day is not forgotten: the document is read
whole again until it is stored, or gone from the feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot import model

#: An item with a longer text counts as several, so that the bound is one of bytes too.
ITEM_CHARACTERS = 20_000
#: The word of ``health`` for it.
KIND = "flood"


def fitting(state: model.FeedState, lengths: Sequence[int], *, most: int, now: datetime) -> tuple[int, int]:
    """How many of these items may be stored, the first ones first, and what they count.

    ``lengths``: characters of each item's text. One item always fits in a day that has stored nothing.
    """
    used = _used_today(state, now)
    fits = cost = 0
    for length in lengths:
        one = 1 + length // ITEM_CHARACTERS
        if used + cost + one > most and used + cost > 0:
            break
        cost += one
        fits += 1
    return fits, cost


def _used_today(state: model.FeedState, now: datetime) -> int:
    """How many articles of the feed were stored on the UTC day of ``now``."""
    return state.day_count if state.day == now.date() else 0


def counted(
    state: model.FeedState, *, cost: int, names: int, left: int, most: int, now: datetime, etag: str | None = None
) -> model.FeedState:
    """The state after a reading of which ``left`` items were not stored, and the others used ``cost`` and ``names``.

    ``etag``: with what the items that are left are asked for again.
    """
    is_new_day = state.day != now.date()
    state = replace(
        state,
        day=now.date(),
        day_count=_used_today(state, now) + cost,
        day_names=names + (0 if is_new_day else state.day_names),
        left_count=left,
        # Told once a day.
        told=tuple(kind for kind in state.told if kind != KIND) if is_new_day else state.told,
    )
    if not left:
        return state
    items = f"{model.counted(left, 'item')} {'was' if left == 1 else 'were'}"
    remark = f"{items} left for tomorrow: {most} a day are stored (fetch.max_items_per_day)"
    return replace(
        state,
        # What is known by its bytes would not be read again.
        body_hash=None,
        etag=etag,
        last_modified=None,
        item_hashes=(),
        remarks=(*state.remarks, remark),
    )
