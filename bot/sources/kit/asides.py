"""Parts of markup that are no elements: comments, processing instructions, a document type.

Each is looked for by its ends, from left to right and never twice, so that text with a thousand beginnings and no end
takes no longer than any other. Knows no element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Beginning and end of what holds no elements.
_CLOSED_BY = {"<!--": "-->", "<?": "?>"}
#: Of all that can be inside a document type, what decides where it ends.
_IN_DOCTYPE = re.compile(r"""["'\[\]>]|<!--|<\?""")
DOCTYPE = "<!DOCTYPE"


def asides(text: str, at: int = 0) -> Iterator[tuple[int, int]]:
    """Places of comments and processing instructions; one that never ends is none."""
    ahead = {opening: text.find(opening, at) for opening in _CLOSED_BY}
    while any(place >= 0 for place in ahead.values()):
        opening = min((each for each in ahead if ahead[each] >= 0), key=ahead.__getitem__)
        start = ahead[opening]
        closing = _CLOSED_BY[opening]
        end = text.find(closing, start + len(opening))
        if end < 0:
            # Nor does any other of its kind.
            ahead[opening] = -1
            continue
        end += len(closing)
        yield start, end
        for each, place in ahead.items():
            if 0 <= place < end:
                ahead[each] = text.find(each, end)


def without(text: str) -> str:
    """The text without comments and processing instructions."""
    kept, at = [], 0
    for start, end in asides(text):
        kept.append(text[at:start])
        at = end
    return "".join((*kept, text[at:])) if kept else text


def end_of_doctype(text: str, start: int) -> int:
    """Where the document type that begins at ``start`` ends; of a broken one, its first ">"; 0: nowhere."""
    depth, at = 0, start + len(DOCTYPE)
    while found := _IN_DOCTYPE.search(text, at):
        at, mark = found.end(), found.group()
        if mark == ">" and depth <= 0:
            return at
        if mark in "[]":
            depth += 1 if mark == "[" else -1
        elif mark != ">":
            closing = _CLOSED_BY.get(mark, mark)
            at = text.find(closing, at) + len(closing)
            if at < len(closing):
                break
    return text.find(">", start) + 1
