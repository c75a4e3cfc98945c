"""Search over the stored articles, in the rule language.

    text ─▶ question ─▶ narrowing ─▶ ports.Search (candidates, newest first) ─▶ looking ─▶ a page with marked words
                                                                            the rules decide

Reads from the transaction that it gets.
"""

from bot.rules.search.looking import MOST_TIME, Asked, Found, Page, look
from bot.rules.search.question import MOST_CHARACTERS, MOST_TERMS, located, moment, read

__all__ = ["MOST_CHARACTERS", "MOST_TERMS", "MOST_TIME", "Asked", "Found", "Page", "located", "look", "moment", "read"]
