"""What the kinds of news have in common: something found in a statement."""

from __future__ import annotations

from dataclasses import dataclass

from bot.stories.news.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One piece of news before it becomes a fact."""

    kind: str
    label: str
    before: str | None
    after: str
    statement: Statement
