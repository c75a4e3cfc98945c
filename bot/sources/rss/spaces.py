"""Namespaces of feeds as ElementTree writes them before a name, with the prefix that feedparser knows each by.

A document may give a well-known prefix to another namespace; feedparser then takes one for the other.
"""

from __future__ import annotations

from collections.abc import Iterable

ATOM = "{http://www.w3.org/2005/Atom}"
RSS1 = "{http://purl.org/rss/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XML = "{http://www.w3.org/XML/1998/namespace}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
SYNDICATION = "{http://purl.org/rss/1.0/modules/syndication/}"
SLASH = "{http://purl.org/rss/1.0/modules/slash/}"
WFW = "{http://wellformedweb.org/CommentAPI/}"
THREADING = "{http://purl.org/syndication/thread/1.0}"
FEEDBURNER = "{http://rssnamespace.org/feedburner/ext/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"

_BY_PREFIX = {
    "rdf": RDF,
    "dc": DC,
    "content": CONTENT,
    "sy": SYNDICATION,
    "slash": SLASH,
    "wfw": WFW,
    "thr": THREADING,
    "feedburner": FEEDBURNER,
    "media": MEDIA,
}


def are_usual(declared: Iterable[tuple[str, str]]) -> bool:
    """Whether each well-known prefix, where it is declared, is its own namespace's."""
    return all(_BY_PREFIX.get(prefix, f"{{{uri}}}") == f"{{{uri}}}" for prefix, uri in declared)
