"""The parts of a text around its matched words: whole sentences, as few as tell where the words are."""

from __future__ import annotations

from collections.abc import Sequence

from bot import model
from bot.language import sentences
from bot.summaries import marking

#: Pieces of one text, and the characters of one; a longer sentence is cut at words, with an ellipsis.
MOST_PIECES, LONGEST = 3, 320
#: What is split into sentences on each side of a matched word; the ends of an article are far away.
_NEAR = 1_200


def excerpts(
    article: model.Article, matches: Sequence[model.Match], *, most: int = MOST_PIECES
) -> list[tuple[model.Span, ...]]:
    """Up to ``most`` pieces of the text with their matched words marked; without any, how the text begins."""
    text = article.text
    marked = marking.places(matches, field="body", text=text)
    pieces: list[tuple[int, int]] = []
    for start, end in marked or [(0, 0)]:
        if pieces and start < pieces[-1][1]:
            continue
        if len(pieces) == most:
            break
        piece = _sentence_at(text, start, end, article.language)
        if piece is not None:
            pieces.append(piece)
    return [_shown(text, piece, marked) for piece in pieces]


def marked_title(article: model.Article, matches: Sequence[model.Match]) -> tuple[model.Span, ...]:
    """The article's title in spans, matched words marked."""
    places = marking.places(matches, field="title", text=article.title)
    return marking.spans(article.title, 0, len(article.title), places)


def _sentence_at(text: str, start: int, end: int, language: str | None) -> tuple[int, int] | None:
    """The sentence that holds a place; None: there is no text."""
    first, last = max(0, start - _NEAR), min(len(text), end + _NEAR)
    found = sentences.split(text[first:last], language)
    holding = [span for span in found if span.end + first > start]
    if not holding:
        return None
    return holding[0].start + first, max(holding[0].end + first, min(end, last))


def _shown(text: str, piece: tuple[int, int], marked: Sequence[tuple[int, int]]) -> tuple[model.Span, ...]:
    start, end = piece
    if end - start <= LONGEST:
        return marking.spans(text, start, end, marked)
    # Around the first matched word of a sentence that is too long to show.
    at = next((place[0] for place in marked if start <= place[0] < end), start)
    first = max(start, min(at - LONGEST // 3, end - LONGEST))
    last = min(end, first + LONGEST)
    first, last = _at_words(text, first, last, start=start, end=end)
    before = (model.Span(text="… "),) if first > start else ()
    after = (model.Span(text=" …"),) if last < end else ()
    return (*before, *marking.spans(text, first, last, marked), *after)


def _at_words(text: str, first: int, last: int, *, start: int, end: int) -> tuple[int, int]:
    """The same piece without words cut in two, as far as they are of human length."""
    if first > start and (blank := text.find(" ", first, first + 25)) >= 0:
        first = blank + 1
    if last < end and (blank := text.rfind(" ", last - 25, last)) > first:
        last = blank
    return first, last
