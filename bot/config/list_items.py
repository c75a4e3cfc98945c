"""Warn of list items that hide a mistake: a comma where a list was meant."""

from __future__ import annotations

import re

from bot.config import values
from bot.config.yaml.nodes import Mapping, Node, Scalar, Sequence
from bot.config.yaml.problems import ProblemReport
from bot.rules import lint

_COMMA = re.compile(r",\s+")


def warn_of_commas(rule: Mapping, report: ProblemReport, name: str) -> None:
    """Warn of ``all: Ofcom, fine``, which is one term, but not of a quoted term or a name such as Acme, Inc."""
    for key in ("all", "any", "none"):
        for item in _items(rule.get(key)):
            pieces = _COMMA.split(item.value.strip())
            if item.style or len(pieces) < 2 or any(lint.is_name_tail(piece) for piece in pieces[1:]):
                continue
            report.add_at(
                item,
                "comma-in-term",
                "this is one term: it matches only with its comma",
                f'write a list: [{", ".join(pieces)}]; or quote it, if it is meant: "{values.shown(item.value)}"',
                rule=name or None,
                severity="warning",
            )


def _items(node: Node | None) -> list[Scalar]:
    if isinstance(node, Mapping):
        return [item for _, value in node.pairs for item in _items(value)]
    items = node.items if isinstance(node, Sequence) else [node]
    return [item for item in items if isinstance(item, Scalar) and not item.value.lstrip().startswith("/")]
