"""Tune the garbage collector.

This is not part of runtime.py, because every command imports this module and few commands need asyncio.
"""

from __future__ import annotations

import gc

#: Number of new objects between two collections. Python's default of 700 suits small programs. A number above 20,000
#: saves no further time.
_OBJECTS_A_COLLECTION = 20_000


def spare_collections(*, lasts: bool, replaces: bool = False) -> None:
    """Exclude existing objects, such as a hundred thousand rules, from garbage collection, and collect less often.

    With Python's default, a batch of first polls would spend a sixth of its time in collections. In a process that
    keeps running (``lasts``), collect garbage first, so that none is excluded for good. After a new configuration was
    loaded (``replaces``), stop excluding the objects of the previous one.
    """
    gc.set_threshold(_OBJECTS_A_COLLECTION)
    if replaces:
        gc.unfreeze()
    if lasts:
        gc.collect()
    gc.freeze()
