"""Return the owner of a domain, from the shipped map of groups whose sister titles share newsrooms."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

#: Maximum labels of a domain in the map.
_MOST_LABELS = 8


@cache
def _table() -> dict[str, str]:
    lines = resources.files("bot.articles").joinpath("owners.tsv").read_text("utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines if line and not line.startswith("#"))
    return {domain: owner for domain, _, owner in pairs}


# The bound is for a hostile feed with many hosts.
@lru_cache(maxsize=10_000)
def group_of(domain: str) -> str | None:
    """Return the owner of a domain, or of the nearest domain above it, or None if the map has neither."""
    labels = domain.casefold().strip(".").split(".")[-_MOST_LABELS:]
    for at in range(len(labels) - 1):
        owner = _table().get(".".join(labels[at:]))
        if owner is not None:
            return owner
    return None
