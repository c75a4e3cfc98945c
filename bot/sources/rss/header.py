"""What a plain header says, read without feedparser.

Gives exactly what feedparser would, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.sources.kit import links
from bot.sources.rss import fields, hours, items, plain, spaces
from bot.sources.rss.elements import Element, text_of
from bot.sources.rss.plain import Odd


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a feed says of itself."""

    title: str | None = None
    link: str | None = None
    language: str | None = None
    ttl: timedelta | None = None


#: Read of a header, each once; both kinds may have the module's.
_SYNDICATION = {f"{spaces.SYNDICATION}{name}": name for name in ("updatePeriod", "updateFrequency")}
_RSS_FIELDS = {"title": "title", "link": "link", "language": "language", "ttl": "ttl", **_SYNDICATION}
_ATOM_FIELDS = {f"{spaces.ATOM}title": "title", f"{spaces.ATOM}link": "link", **_SYNDICATION}
#: Elements that feedparser keeps under names that nobody here asks for; the first without children.
_RSS_ASIDE = frozenset((
    "description", "copyright", "managingEditor", "webMaster", "pubDate", "lastBuildDate", "category", "generator",
    "docs", "cloud", "rating", "author", f"{spaces.SYNDICATION}updateBase", "{com-wordpress:feed-additions:1}site",
    *(f"{spaces.FEEDBURNER}{name}" for name in ("info", "emailServiceId", "feedburnerHostname")),
))  # fmt: skip
_ATOM_ASIDE = frozenset(
    f"{spaces.ATOM}{name}"
    for name in ("id", "published", "updated", "subtitle", "generator", "icon", "logo", "rights", "category")
)
_NESTED_ASIDE = {
    "image": {"url", "title", "link", "width", "height", "description"},
    "textInput": {"title", "description", "name", "link"},
    "skipHours": {"hour"},
    "skipDays": {"day"},
    f"{spaces.ATOM}author": {f"{spaces.ATOM}{name}" for name in ("name", "uri", "email")},
}


def parse_header(elements: Sequence[Element], roles: fields.Roles, *, language: str | None) -> Header | None:
    """What the elements beside the items say; None: not plain. ``roles``: of the items; ``language``: of the root."""
    if roles is fields.RDF:
        return None  # its list of items is no plain element
    try:
        return _of_atom(elements, language) if roles is fields.ATOM else _of_rss(elements, language)
    except Odd:
        return None


def _of_rss(elements: Sequence[Element], language: str | None) -> Header:
    found = _found(elements, _RSS_FIELDS, _RSS_ASIDE)
    if len(found.get("link", ())) > 1:
        raise Odd
    link = _text(found, "link")
    return Header(
        title=links.plain(_text(found, "title")),
        link=plain.link(link) if link else None,
        language=_text(found, "language") or language,
        ttl=_period(found),
    )


def _of_atom(elements: Sequence[Element], language: str | None) -> Header:
    found = _found(elements, _ATOM_FIELDS, _ATOM_ASIDE)
    link = items.alternate(found.get("link", ()))
    if link is None:
        raise Odd  # feedparser takes the id for it
    title = found["title"][0] if "title" in found else None
    if title is not None and (len(title) or title.attrib not in ({}, {"type": "text"}, {"type": "html"})):
        raise Odd
    return Header(
        title=links.plain(plain.text(text_of(title))) if title is not None else None,
        link=link,
        language=language,
        ttl=_period(found),
    )


def _period(found: Mapping[str, Sequence[Element]]) -> timedelta | None:
    return hours.period(_text(found, "ttl"), _text(found, "updatePeriod"), _text(found, "updateFrequency"))


def _text(found: Mapping[str, Sequence[Element]], name: str) -> str:
    """Empty where there is none."""
    element = found[name][0] if name in found else None
    if element is None:
        return ""
    if len(element) or element.attrib:
        raise Odd
    return plain.text(text_of(element))


def _found(header: Sequence[Element], names: dict[str, str], aside: frozenset[str]) -> dict[str, list[Element]]:
    """The elements that are asked for, by their field. Raises Odd where others than the ordinary ones are there."""
    found: dict[str, list[Element]] = {}
    for element in header:
        name = names.get(element.tag)
        if name is not None:
            found.setdefault(name, []).append(element)
        elif not _is_aside(element, aside):
            raise Odd
    if any(len(several) > 1 for name, several in found.items() if name != "link"):
        raise Odd
    return found


def _is_aside(element: Element, aside: frozenset[str]) -> bool:
    if element.tag in aside:
        return not len(element)
    if element.tag in _NESTED_ASIDE:
        known = _NESTED_ASIDE[element.tag]
        return all(child.tag in known and not len(child) and not child.attrib for child in element)
    return fields.is_aside(element)
