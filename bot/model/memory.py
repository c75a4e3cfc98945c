"""Tune the garbage collector. Separate from runtime.py, since every command imports this, and few need asyncio."""

from __future__ import annotations

import gc

#: New objects between two collections. Python's default of 700 is for small programs; more than this saves no time.
_OBJECTS_A_COLLECTION = 20_000


def spare_collections(*, lasts: bool, replaces: bool = False) -> None:
    """Exclude existing objects, such as a hundred thousand rules, from garbage collection, and collect less often.

    With Python's default, a batch of first polls would spend a sixth of its time in collections. ``lasts``: collect
    first, which takes a moment. ``replaces``: include the previous configuration, which was excluded.
    """
    gc.set_threshold(_OBJECTS_A_COLLECTION)
    if replaces:
        gc.unfreeze()
    if lasts:
        gc.collect()
    gc.freeze()
