"""docs/mistakes.md, made from the golden files."""

from __future__ import annotations

from tests.config import mistakes_made

_HEAD = """# How each mistake reads

`wirewatch check` says what is wrong, where, and what to write instead; all problems of all files at once, by place.
Below is each mistake that the tests make on purpose, and the exact text that answers it. This page is written by
`scripts/mistakes-table` from `tests/config/mistakes`; a test holds it fresh.

| mistake | first line of the answer |
|---|---|
"""


def table() -> str:
    mistakes = mistakes_made.all_mistakes()
    rows = [f"| [{_escaped(each.about)}](#{each.name}) | {_cell(each.expected)} |" for each in mistakes]
    return _HEAD + "\n".join(rows) + "\n" + "".join(_section(each) for each in mistakes)


def _cell(expected: str) -> str:
    first = expected.partition("\n")[0]
    return _escaped(first.split(": ", 1)[-1])


def _escaped(text: str) -> str:
    """Inside a table a bar would end the cell."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _section(mistake: mistakes_made.Mistake) -> str:
    return f"\n## {mistake.name}\n\n{mistake.about}.\n\n```text\n{mistake.expected.rstrip()}\n```\n"
