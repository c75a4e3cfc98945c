"""``kind: page``: parse a web page's list of articles by CSS selectors for the item, its title, link, date and text."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import pydantic
from lxml.html import HtmlElement

from bot.feeds.kinds.page import days, proposals, selectors
from bot.feeds.kinds.page.days import find_date
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
        description="Selector of the date, in words or digits. Default: the first <time>, else the day above the item.",
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

        @functools.cache
        def over() -> Mapping[HtmlElement, str]:
            return days.find_days(items, lambda text: page_dates.parsed(text, language, body.fetched) is not None)

        entries: dict[str, Entry] = {}
        hashes: dict[str, str] = {}

        def parse(placed: tuple[HtmlElement, HtmlElement]) -> None:
            place, item = placed
            entry = self._entry(item, body.url)
            if entry is None or (key := entry.link or entry.guid or "") in entries:
                return
            if not entry.link and entry.title in over().values():
                return  # this item is a day heading
            # Hash the parsed date, because the text "3 days ago" changes tomorrow and the date does not.
            date = functools.partial(self._date, item, language, page_dates=page_dates)
            own = date(None)
            day = None if own else over().get(place)
            sure = own or date(None, day=day)
            packed = "\0".join((entry.link or "", entry.title or "", entry.body or "", str(sure)))
            published = own or date(body.fetched) or sure or date(body.fetched, day=day)
            hashes[key] = fields.hash_item(packed.encode("utf-8", "replace"), body.url)
            entries[key] = replace(entry, published=published)

        def hash_links(placed: tuple[HtmlElement, HtmlElement]) -> str:
            """Return a hash of the item's links, else of its text: the rest may change every day ("3 days ago")."""
            addresses = [str(address) for *_, address, _ in placed[1].iterlinks()]
            return fields.hash_item("\0".join(addresses or placed[1].itertext()).encode("utf-8", "replace"), body.url)

        _, faults = fields.parse_each(zip(kept, days.expand_items(kept), strict=True), parse, hash_links)
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
        heading = next(item.iter(*days.HEADINGS), None)
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

    def _date(
        self,
        item: HtmlElement,
        language: str,
        fetched: datetime | None,
        *,
        page_dates: DocumentDates,
        day: str | None = None,
    ) -> datetime | None:
        path = self._options.date
        dated = next(iter(get_selector(path).all(item) if path else item.iter("time")), None)
        written = get_selector(path).text_in(item) if path else text_of(dated) if dated is not None else None
        return find_date(dated, written, language, fetched, page_dates=page_dates, day=day)


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
    best = proposals.find_proposal(root)
    if best is not None:
        reason += f'; the page now has {best.count} of "{best.options["item"]}"'
        return f"{reason}: correct the selectors in feeds.yaml"
    return f"{reason}; open it in a browser and correct the selectors in feeds.yaml"
