"""An article's own page → its main text, by trafilatura, asked for as a polite robot.

Knows addresses and pages; must not know which article is wanted, nor why.

    text_of(url) → cache → robots.txt → the host's turn → fetch → main text (by ``extract``) → cache
"""

from bot.fetch.fulltext.extraction import MAX_PAGE_BYTES, MAX_TEXT_LENGTH, main_text
from bot.fetch.fulltext.reader import TrafilaturaReader, extract_here

__all__ = ["MAX_PAGE_BYTES", "MAX_TEXT_LENGTH", "TrafilaturaReader", "extract_here", "main_text"]
