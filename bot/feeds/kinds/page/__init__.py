"""``kind: page``: parse a web page's list of articles by CSS selectors for the item, its title, link, date and text."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated

import pydantic
from lxml.html import HtmlElement
from msgspec.structs import replace

from bot.feeds.kinds.page import proposals, selectors
from bot.feeds.kinds.page.selectors import Selector, get_selector, text_of
from bot.feeds.kit import fields
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from bot.text.dates import DocumentDates


def _check_selector(text: str) -> str:
    Selector(text.strip())
    return text.strip()


SelectorText = Annotated[str, pydantic.Field(min_length=1), pydantic.AfterValidator(_check_selector)]


class Options(pydantic.BaseModel):
    """A web page whose list of articles is found by CSS selectors."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    item: SelectorText = pydantic.Field(
        ..., description="Selector of one article's element in the list: ul.news > li.", examples=["ul.news > li"]
    )
    title: SelectorText | None = pydantic.Field(
        None,
        description="Selector of the title inside the item. Default: the first heading, else the link's text.",
    )
    link: SelectorText | None = pydantic.Field(
        None, description="Selector of the link. Default: the heading's link, else the first link of the item."
    )
    date: SelectorText | None = pydantic.Field(
        None,
        description="Selector of the date, in words or digits. Default: the first <time>.",
    )
    text: SelectorText | None = pydantic.Field(
        None, description="Selector of the text. Without it, rules match only the title."
    )
    language: str | None = pydantic.Field(
        None,
        min_length=2,
        max_length=35,
        description="The language of the dates (de, en-GB). Default: the page's language.",
    )


KIND = "page"
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


class Source:
    """Parses the list of a page."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def recognises(self, body: Body) -> bool:
        """Return False, because a feed must name this kind (``kind: page``)."""
        return False

    def read(self, body: Body) -> ParsedFeed:
        """Parse a page. Blocking. Raises ReadError; its message names the selectors that find nothing."""
        root, remarks = selectors.parse_page(body)
        matches = get_selector(self._options.item).all(root)
        # Leave out the items inside another item, because their text would be parsed twice.
        among = set(matches)
        items = [item for item in matches if among.isdisjoint(item.iterancestors())]
        if not items:
            selectors.check_scripts(root)
            raise ReadError(_explain_no_items(root, self._options.item))
        kept, too_many = fields.keep_ends(items)
        language = self._options.language or root.get("lang") or "en"
        page_dates = DocumentDates()
        entries: dict[str, Entry] = {}
        hashes: dict[str, str] = {}

        def parse(item: HtmlElement) -> None:
            entry = self._entry(item, body.url)
            if entry is None or (key := entry.link or entry.guid or "") in entries:
                return
            # Hash no date that depends on the time, because "3 days ago" is "4 days ago" tomorrow.
            date = self._find_date(item, language, page_dates)
            packed = "\0".join((entry.link or "", entry.title or "", entry.body or "", str(date)))
            hashes[key] = fields.hash_item(packed.encode("utf-8", "replace"), body.url)
            date = date or self._find_date(item, language, page_dates, body.fetched)
            entries[key] = replace(entry, published=date)

        def hash_links(item: HtmlElement) -> str:
            """Return a hash of the item's links, else of its text: the rest may change every day ("3 days ago")."""
            addresses = [str(address) for *_, address, _ in item.iterlinks()]
            return fields.hash_item("\0".join(addresses or item.itertext()).encode("utf-8", "replace"), body.url)

        _, faults = fields.parse_each(kept, parse, hash_links)
        if not entries and not faults:
            reason = (
                f'"{self._options.title}" finds nothing' if self._options.title else "they have no heading and no link"
            )
            raise ReadError(f"none of {len(items)} items has a title: {reason}; correct the selectors in feeds.yaml")
        if self._options.date and not any(entry.published for entry in entries.values()):
            remarks.append(f'"{self._options.date}" finds no date')
        title = root.find(".//title")
        return replace(
            fields.parse_new(entries.values(), tuple(hashes.values()), body, lambda entry: entry),
            title=(text_of(title) or "")[:300] or None if title is not None else None,
            link=body.url,
            language=root.get("lang"),
            remarks=(*remarks, *too_many),
            faulty_items=faults,
        )

    def _entry(self, item: HtmlElement, base: str) -> Entry | None:
        options = self._options
        heading = next(item.iter(*_HEADINGS), None)
        anchor = _anchor(item, options.link, heading)
        # If title and text have one selector, the item is a post without a headline; its first words become the title.
        is_post = options.title is not None and options.title == options.text
        if options.title:
            title = get_selector(options.title).text_in(item)
        else:
            titles = (text_of(element) for element in (heading, anchor) if element is not None)
            title = next((text for text in titles if text), None)
        if not title:
            return None
        link = fields.web_address(anchor.get("href") if anchor is not None else None, base)
        body = get_selector(options.text).markup_in(item) if options.text else None
        return Entry(
            # Without a link, the title identifies the item, so a corrected title makes another article.
            guid=None if link else "title:" + hashlib.sha256(title.encode("utf-8", "replace")).hexdigest(),
            link=link,
            title=None if is_post else fields.escape_text(title),
            body=body,
        )

    def _find_date(
        self, item: HtmlElement, language: str, page_dates: DocumentDates, fetched: datetime | None = None
    ) -> datetime | None:
        """Return the date from the attributes or the text of its element. ``fetched`` is the base of "3 days ago"."""
        path = self._options.date
        element = next(iter(get_selector(path).all(item) if path else item.iter("time")), None)
        if element is None:
            return None
        written = get_selector(path).text_in(item) if path else text_of(element)
        texts = (element.get("datetime"), element.get("content"), element.get("title"), written)
        dates = (page_dates.parsed(text, language, fetched) for text in texts if text)
        return next(filter(None, dates), None)


def _anchor(item: HtmlElement, path: str | None, heading: HtmlElement | None) -> HtmlElement | None:
    if path:
        elements = get_selector(path).all(item)
        return next((element for element in elements if element.get("href")), None)
    if item.tag == "a" and item.get("href"):
        return item
    places = [heading, heading.getparent()] if heading is not None else []
    for place in places:
        if place is not None and place.tag == "a" and place.get("href"):
            return place
    places = [place for place in (heading, item) if place is not None]
    anchors = [anchor for place in places for anchor in place.iter("a") if anchor.get("href")]
    return next((anchor for anchor in anchors if text_of(anchor)), next(iter(anchors), None))


def _explain_no_items(root: HtmlElement, path: str) -> str:
    """Describe how the page has changed: which part of the selector still matches, and which elements repeat now."""
    reason = f'no articles: "{path}" finds nothing on the page'
    steps = path.replace(">", " > ").split()
    whole = [" ".join(steps[:count]) for count in range(1, len(steps)) if steps[count - 1] != ">"]
    still = [part for part in whole if get_selector(part).all(root)]
    reason += f'; "{still[-1]}" still exists' if still else ""
    if options := proposals.guess_selectors(root):
        count = len(get_selector(options["item"]).all(root))
        reason += f'; the page now has {count} of "{options["item"]}"'
        return f"{reason}: correct the selectors in feeds.yaml"
    return f"{reason}; open it in a browser and correct the selectors in feeds.yaml"
