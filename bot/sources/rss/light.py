"""Documents read without feedparser, as far as they are plain: the items (items.py) and the header (header.py).

Gives exactly what feedparser would, or nothing for what is left to it. What an item or a header says depends on nothing
but its own elements and the attributes of the tags around it, which must be the ordinary ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import model
from bot.sources.kit import limits
from bot.sources.rss import elements, fields, header, items, spaces
from bot.sources.rss.elements import Element
from bot.sources.rss.plain import Odd


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """What was parsed without feedparser."""

    #: None: not plain.
    header: header.Header | None
    #: One for each item of the document, in its order; None: not plain.
    entries: Sequence[model.Entry | None]


def parse_light(data: bytes, *, root: str, before: datetime | None) -> Light | None:
    """Return what is plain, or None if nothing is. Of items dated before only the identity is read.

    The first ``limits.SAMPLE`` items are read whole, whatever their date.
    """
    found = elements.parse_elements(data)
    if found is None or not spaces.are_usual(found[1]):
        return None
    try:
        parts = _READERS[root](found[0]) if root in _READERS else None
    except Odd:
        return None
    if parts is None:
        return None
    entries = [
        items.entry(item, parts.roles, language=parts.language, before=before if place >= limits.SAMPLE else None)
        for place, item in enumerate(parts.items)
    ]
    return Light(header=header.parse_header(parts.header, parts.roles, language=parts.language), entries=entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    roles: fields.Roles
    items: Sequence[Element]
    header: Sequence[Element]
    #: Of the text, by the root's xml:lang.
    language: str | None


def _rss(root: Element) -> _Parts:
    language = _language(root, {"version"})
    channels = root.findall("channel")
    if root.tag != "rss" or len(channels) != len(root) or len(channels) != 1 or channels[0].attrib:
        raise Odd
    return _parts(fields.RSS, "item", channels[0], language)


def _rdf(root: Element) -> _Parts:
    language = _language(root, set())
    if root.tag != f"{spaces.RDF}RDF":
        raise Odd
    return _parts(fields.RDF, f"{spaces.RSS1}item", root, language)


def _atom(root: Element) -> _Parts:
    language = _language(root, set())
    if root.tag != f"{spaces.ATOM}feed":
        raise Odd
    return _parts(fields.ATOM, f"{spaces.ATOM}entry", root, language)


_READERS = {"rss": _rss, "rdf": _rdf, "feed": _atom}


def _parts(roles: fields.Roles, name: str, parent: Element, language: str | None) -> _Parts:
    return _Parts(
        roles=roles,
        items=[child for child in parent if child.tag == name],
        header=[child for child in parent if child.tag != name],
        language=language,
    )


def _language(root: Element, others: set[str]) -> str | None:
    """The root has no attributes but this one and the others. Raises Odd."""
    language = root.attrib.get(f"{spaces.XML}lang")
    if root.attrib.keys() - {f"{spaces.XML}lang", *others} or language == "":
        raise Odd
    return language.replace("_", "-").strip() or None if language else None
