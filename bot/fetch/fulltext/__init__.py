"""An article's own page → its main text, by trafilatura, asked for as a polite robot.

Knows addresses and pages; must not know which article is wanted, nor why.

    text_of(url) → cache → robots.txt → the host's turn → fetch → main text (in a thread) → cache
"""

from bot.fetch.fulltext.extraction import main_text
from bot.fetch.fulltext.reader import TrafilaturaReader

__all__ = ["TrafilaturaReader", "main_text"]
