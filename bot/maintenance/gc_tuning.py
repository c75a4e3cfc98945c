"""How often Python looks for garbage, in this process and in those that it starts."""

from __future__ import annotations

import gc

#: Objects made between two looks. More saves nothing more; Python's own 700 is for small programs.
_OBJECTS_A_COLLECTION = 20_000


def spare_collections(*, lasts: bool) -> None:
    """A hundred thousand rules are walked by every collection of the garbage unless they are set aside; and a batch of
    first polls, which ends as a whole, would be walked a hundred times on its way (a sixth of its time).

    ``lasts``: what the configuration before left behind is let go of first, which takes a moment.
    """
    gc.set_threshold(_OBJECTS_A_COLLECTION)
    if lasts:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
