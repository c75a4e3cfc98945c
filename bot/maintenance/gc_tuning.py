"""How often Python looks for garbage, in this process and in those that it starts."""

from __future__ import annotations

import gc

#: Objects made between two looks. More saves nothing more; Python's own 700 is for small programs.
_OBJECTS_A_COLLECTION = 20_000


def spare_collections(*, lasts: bool, replaces: bool = False) -> None:
    """A hundred thousand rules are walked by every collection of the garbage unless they are set aside; and a batch of
    first polls, which ends as a whole, would be walked a hundred times on its way (a sixth of its time).

    ``lasts``: garbage is freed first, which takes a moment; ``replaces``: also that of the configuration before, which
    was set aside.
    """
    gc.set_threshold(_OBJECTS_A_COLLECTION)
    if replaces:
        gc.unfreeze()
    if lasts:
        gc.collect()
    gc.freeze()
