"""Which known name a misspelt one means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The nearest known name; None: none is near."""
    near = difflib.get_close_matches(name[:100], list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def advice(name: str, loaded: Iterable[str]) -> str:
    """Say which loaded rule, outlet or channel was probably meant, or where the loaded ones are listed."""
    near = did_you_mean(name, loaded)
    return f'did you mean "{near}"?' if near else "`wirewatch status` shows what is loaded"
