"""Parts of a rule as YAML that is ready to be pasted."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot import model

_PLAIN = re.compile(r"[^\W_][\w .?*-]*")


def item(term: str) -> str:
    """A term as an item of a YAML list."""
    if _PLAIN.fullmatch(term) and term == term.strip():
        return term
    return "'" + term.replace("'", "''") + "'"


def terms(given: Iterable[str]) -> str:
    """“[school, parents]”."""
    return f"[{', '.join(map(item, given))}]"


def lines(key: str, given: Iterable[model.Line]) -> str:
    """A whole key with its labelled lines."""
    return "\n".join([f"{key}:", *(f"  {item(line.label)}: {terms(line.terms)}" for line in given)])


def query(text: str) -> str:
    """A whole query as a block."""
    return "\n".join(["query: |", *(f"  {line}" for line in text.strip().splitlines())])
