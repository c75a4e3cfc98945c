"""Find the name that a misspelt one means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """Return the nearest name, or None if none is near."""
    nearest = difflib.get_close_matches(name[:100], list(names), n=1, cutoff=0.6)
    return nearest[0] if nearest else None


def advice(name: str, loaded: Iterable[str]) -> str:
    """Return which loaded rule, outlet or channel was probably meant, or where the loaded ones are listed."""
    nearest = did_you_mean(name, loaded)
    return f'did you mean "{nearest}"?' if nearest else "`wirewatch status` shows what is loaded"
