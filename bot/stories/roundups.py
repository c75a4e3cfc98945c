"""Round-ups: one article that tells several events. It tells none of them again, and nothing is to join it.

Knows the article and its nearest stories; sees the subjects of each, which the others lack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile

#: A round-up tells so many stories; where its title says so, one less. An article that surely tells one of them names
#: the others as background.
STORIES, SURELY = 3, 0.97
#: A story's subject is a name or figure that is so rare and in no other story's heads.
TELLING = 1.6
_SAYS_SO = re.compile(
    r"\b(round-?up|weeks?|fortnight|weekly|month|digest|tracker|log|in brief|briefs|wrap|review of|bulletin|list|recap"
    r"|diary|highlights|watch|ledger|wochenr[uü]ckblick|woche|semaine|semana|week van|resumen|tour d.horizon)\b",
    re.IGNORECASE,
)


def told(read: Profile, near: Sequence[OpenStory], rare: Mapping[str, float]) -> int:
    """Of how many stories the article names the own subject."""
    of_rule = [story for story in near if not story.rules.isdisjoint(read.rules)] if read.rules else near
    return sum(
        any(
            (word in story.names or word in story.figures)
            and word in read.weights
            and rare[word] >= TELLING
            and not any(word in other.heads for other in of_rule if other is not story)
            for word in story.core
        )
        for story in of_rule
    )


def is_roundup(title: str, told: int, chance: float) -> bool:
    """An article that names the subjects of so many stories, and surely tells none: ``chance`` is the best one's."""
    return chance < SURELY and told >= (STORIES - 1 if _SAYS_SO.search(title) else STORIES)
