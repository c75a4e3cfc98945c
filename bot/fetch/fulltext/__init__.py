"""Fetch an article's own page and extract its main text by trafilatura, as a polite robot.

text_of(url) → cache → robots.txt → the host's turn → fetch → main text (by ``extract``) → cache
"""

from bot.fetch.fulltext.extraction import MAX_PAGE_BYTES, MAX_TEXT_LENGTH, main_text
from bot.fetch.fulltext.reader import TrafilaturaReader, extract_here

__all__ = ["MAX_PAGE_BYTES", "MAX_TEXT_LENGTH", "TrafilaturaReader", "extract_here", "main_text"]
