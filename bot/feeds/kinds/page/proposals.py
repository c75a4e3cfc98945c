"""Guess the selectors of a page's list of articles; a person corrects the guess in feeds.yaml.

A headline is a link with some words, outside of menus. An item is the largest element with one headline. Items with the
same selector are a list. The longest list with dates is taken, else the longest list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise

from lxml.html import HtmlElement

from bot.feeds.kinds.page import selectors
from bot.feeds.kinds.page.selectors import beginning_of
from bot.model.fetching import Body
from bot.text.dates import DocumentDates

#: Minimum bytes of a headline, because shorter links are menus, and items of a list.
_LEAST_TITLE, _LEAST_ITEMS = 16, 3
_MOST_LINKS, _MOST_LEVELS = 2_000, 7
#: Maximum lists, items of a list, and elements of an item that are examined for a date, and letters of a date.
_MOST_LISTS, _MOST_ITEMS, _MOST_INSIDE, _MOST_DATE = 5, 10, 40, 40
#: Elements that hold navigation, and elements that hold the whole page.
_BESIDE, _WHOLE = frozenset(("nav", "footer", "aside", "header", "form")), frozenset(("main", "body", "html"))


def propose_selectors(body: Body) -> tuple[str | None, Mapping[str, str] | None]:
    """Return the site's name (from Open Graph), and the feed keys of the likeliest list, or None. Raises ReadError."""
    root, _ = selectors.parse_page(body)
    options = guess_selectors(root)
    if options is None:
        selectors.check_scripts(root)
    name = root.xpath("normalize-space(//meta[@property='og:site_name']/@content)")
    return str(name)[:300] or None, options


def guess_selectors(root: HtmlElement) -> Mapping[str, str] | None:
    """Return the feed keys of the page's likeliest list, or None if it has no list."""
    lists: defaultdict[str, list[HtmlElement]] = defaultdict(list)
    for item in dict.fromkeys(_find_items(root)):
        lists[_path(item)].append(item)
    paths = [path for path, items in lists.items() if len(items) >= _LEAST_ITEMS]
    paths.sort(key=lambda path: sum(len(beginning_of(item)) for item in lists[path]), reverse=True)
    for path in paths[:_MOST_LISTS]:
        if date := _find_date_step(lists[path][:_MOST_ITEMS], root.get("lang") or "en"):
            return {"item": path, "date": date}
    return {"item": paths[0]} if paths else None


def _find_items(root: HtmlElement) -> Iterator[HtmlElement]:
    """Yield the item of each headline: the largest element around it without another headline."""
    paths_up = [
        [anchor, *islice(anchor.iterancestors(), _MOST_LEVELS)]
        for anchor in root.xpath("//a[starts-with(@href, 'http')]")[:_MOST_LINKS]
        if len(beginning_of(anchor).encode()) >= _LEAST_TITLE
        and _BESIDE.isdisjoint(element.tag for element in anchor.iterancestors())
    ]
    addresses: defaultdict[HtmlElement, set[str]] = defaultdict(set)
    for anchor, *above in paths_up:
        for element in above:
            addresses[element].add(anchor.get("href"))
    for path_up in paths_up:
        ends = (below for below, above in pairwise(path_up) if above.tag in _WHOLE or len(addresses[above]) > 1)
        yield next(ends, path_up[-1])


def _find_date_step(items: Sequence[HtmlElement], language: str) -> str | None:
    """Return the selector of a date that most of the items have, or None."""
    dates, counts = DocumentDates(), Counter[str]()
    for item in items:
        texts = ((part, beginning_of(part)) for part in islice(item.iterdescendants("*"), _MOST_INSIDE))
        dated = (part for part, text in texts if len(text) <= _MOST_DATE and dates.parsed(text, language))
        counts.update(set(map(_step, dated)))
    return next((step for step, count in counts.most_common(1) if 2 * count > len(items)), None)


def _path(item: HtmlElement) -> str:
    """Return the item's step, below the steps of up to three elements above it if it has no class."""
    steps = [_step(item)]
    for above in islice(item.iterancestors(), 3):
        if "." in steps[0] or above.tag in _WHOLE:
            break
        steps.insert(0, _step(above))
    return " > ".join(steps)


def _step(element: HtmlElement) -> str:
    names = [name for name in (element.get("class") or "").split() if name.replace("-", "").replace("_", "").isalpha()]
    return f"{element.tag}.{names[0]}" if names else str(element.tag)
