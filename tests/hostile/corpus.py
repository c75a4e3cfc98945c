"""All hostile documents by name, and which of them each run of the tests takes."""

from __future__ import annotations

from tests.hostile import items, markup, servers, text
from tests.hostile.making import Documents

DOCUMENTS: Documents = {**markup.DOCUMENTS, **items.DOCUMENTS, **text.DOCUMENTS, **servers.DOCUMENTS}
#: One of each sort, small.
QUICK = (
    "never closed, again and again: a document type",
    "never closed, again and again: a comment",
    "never closed, after items: a quote",
    "nested in a body: divisions",
    "nested in the document: a",
    "entities: laughs after a comment with a root",
    "entities: laughs in UTF-16",
    "entities: templates of expressions",
    "outside: an entity from a file",
    "outside: a parameter from the network",
    "outside: inclusion of a file",
    "words in a body: spaces",
    "date: year 99999",
    "link: the canary",
    "charset: unicode_escape",
    "characters in a title: halves",
    "json: depth in items",
    "page: feeds inside",
    "packed: four layers",
    "endless: a body",
    "redirect: the canary",
    "header: retry after for ever",
    "http: a chunk of 2^64 bytes",
)
