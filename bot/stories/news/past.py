"""Does a sentence tell what was before the story: «India lifted a similar demand in 2013»?"""

from __future__ import annotations

import re

from bot.stories.news.calendar import days
from bot.stories.news.statements import Statement

_PAST_TIME = re.compile(
    r"\b(?:last (?:year|month|decade|century|summer|winter|spring|autumn"
    r"|fall)|(?:years?|months?|decades?) (?:ago|earlier|before)|previous(?:ly)?|in (?:the )?(?:19|20)\d0s"
    r"|for (?:decades|years)|historically|in the past|once|formerly)\b",
    re.IGNORECASE,
)


def is_background(statement: Statement) -> bool:
    """The headline and the first sentence are news whatever dates they name."""
    if statement.order <= 1:
        return False
    if _PAST_TIME.search(statement.plain):
        return True
    found = list(days(statement.plain, statement.day))
    return bool(found) and all((statement.day.year, statement.day.month) > (day.year, day.month or 12) for day in found)
