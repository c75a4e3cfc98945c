"""Items whose rest is beside them: a heading or a term of a definition list, with what follows it up to the next, and a
link with the text around it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from lxml import html
from lxml.html import HtmlElement

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BEGIN = frozenset((*HEADINGS, "dt"))
#: A heading of the whole page is followed by all of it.
_MAX_RUN = 10


def whole(items: Sequence[HtmlElement]) -> list[HtmlElement]:
    """Each item with what belongs to it; one that holds all of it stays what it is."""
    among = frozenset(items)
    return [_run(item, among) if item.tag in _BEGIN or item.tag in ("dd", "a") else item for item in items]


def _run(item: HtmlElement, among: frozenset[HtmlElement]) -> HtmlElement:
    run, text = [item], None
    if item.tag == "a":
        before = item.getprevious()
        text = before.tail if before is not None else item.getparent().text
    elif item.tag == "dd":
        term = next((each for each, _ in zip(item.itersiblings("dt", preceding=True), range(1), strict=False)), None)
        run = [term, item] if term is not None else run
    else:
        for each in item.itersiblings():
            if each in among or each.tag in _BEGIN or len(run) > _MAX_RUN:
                break
            run.append(each)
    around = html.Element("div")
    around.text = text
    # What stands behind an element is the next one's.
    around.extend(copy.copy(each) for each in run)
    return around
