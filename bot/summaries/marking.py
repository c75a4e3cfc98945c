"""Matched words in a piece of an article: where they are, as marked spans.

Knows offsets only; which words matched is the rules' word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot import model
from bot.language.sentences import UNSPACED

#: Occurrences of one wording that are looked at: pages show the first few, and a hostile text has it everywhere.
MOST_OCCURRENCES = 2_000


def places(matches: Iterable[model.Match], *, field: str, text: str) -> tuple[tuple[int, int], ...]:
    """Where the matched words stand in a field, in order, without overlaps.

    The evidence names one place of a word; its other places, letter by letter the same, are marked too.
    """
    found: set[tuple[int, int]] = set()
    wordings: set[str] = set()
    for match in matches:
        for evidence in match.evidence:
            if evidence.field not in {"title", "body"}:
                continue
            wording = evidence.text.strip()
            if wording:
                wordings.add(wording)
            # The words of an edited article may be elsewhere than where its first version matched.
            if evidence.field == field and text[evidence.start : evidence.end] == evidence.text != "":
                found.add((evidence.start, evidence.end))
    for wording in wordings:
        found.update(_occurrences(wording, text))
    return _merged(found)


def spans(text: str, start: int, end: int, marked: Sequence[tuple[int, int]]) -> tuple[model.Span, ...]:
    """``text[start:end]`` as spans; line ends and runs of blanks become one blank."""
    runs: list[model.Span] = []
    at = start
    for place in marked:
        first, last = max(place[0], start), min(place[1], end)
        if first >= last:
            continue
        runs.extend(_run(text[at:first], is_marked=False))
        runs.extend(_run(text[first:last], is_marked=True))
        at = last
    runs.extend(_run(text[at:end], is_marked=False))
    return tuple(runs)


def _run(text: str, *, is_marked: bool) -> Iterable[model.Span]:
    if text:
        yield model.Span(text=re.sub(r"\s+", " ", text), is_marked=is_marked)


def _occurrences(wording: str, text: str) -> Iterable[tuple[int, int]]:
    """Yield where no letter or digit touches the wording; in scripts without spaces, anywhere."""
    starts_word = wording[0].isalnum() and not UNSPACED.match(wording[0])
    ends_word = wording[-1].isalnum() and not UNSPACED.match(wording[-1])
    start = text.find(wording)
    for _ in range(MOST_OCCURRENCES):
        if start < 0:
            return
        end = start + len(wording)
        is_inside = (starts_word and text[start - 1 : start].isalnum()) or (ends_word and text[end : end + 1].isalnum())
        if not is_inside:
            yield start, end
        start = text.find(wording, start + 1 if is_inside else end)


def _merged(found: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if merged and first < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
