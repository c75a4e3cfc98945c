"""Who owns an outlet, for the few groups whose sister titles share newsrooms: the shipped map."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def _table() -> dict[str, str]:
    lines = resources.files("bot.stories").joinpath("owners.tsv").read_text("utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines if line and not line.startswith("#"))
    return {domain: owner for domain, _, owner in pairs}


def owner_of(domain: str) -> str | None:
    """The owner of a domain or of the nearest domain above it; None: not in the map."""
    labels = domain.casefold().strip(".").split(".")
    for at in range(len(labels) - 1):
        owner = _table().get(".".join(labels[at:]))
        if owner is not None:
            return owner
    return None
