"""The contract of every source; a new kind is found and tested automatically."""

from __future__ import annotations

import pytest

from bot.feeds import kinds
from bot.feeds.kit import packing
from bot.testing import sources as contract
from bot.testing.sources import SourceDocument
from tests.feeds.documents import item, rss

_TITLES = ("Regulator writes order 1", "Regulator writes order 2")
DOCUMENTS = [
    SourceDocument(kind="rss", content=rss(item(1), item(2)).encode(), titles=_TITLES),
    SourceDocument(
        kind="jsonfeed",
        content=b"""{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [
            {"id": "1", "title": "Regulator writes order 1", "date_published": "2015-12-02T09:00:00Z"},
            {"id": "2", "title": "Regulator writes order 2", "content_text": "x"}]}""",
        titles=_TITLES,
    ),
    SourceDocument(
        kind="sitemap",
        content=b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
            xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">"""
        + b"".join(
            b"<url><loc>https://news.example.org/%d</loc><news:news><news:title>Regulator writes order %d</news:title>"
            b"<news:publication_date>2015-12-02T09:00:00Z</news:publication_date></news:news></url>\n" % (n, n)
            for n in (1, 2)
        )
        + b"</urlset>",
        titles=_TITLES,
    ),
    SourceDocument(
        kind="page",
        content=b"<html lang='en'><body><ul class='news'>"
        + b"".join(
            b"<li><a href='/%d'>Regulator writes order %d</a><time datetime='2015-12-02'>2 December</time></li>\n"
            % (n, n)
            for n in (1, 2)
        )
        + b"</ul></body></html>",
        titles=_TITLES,
        options={"item": "ul.news > li"},
    ),
    SourceDocument(
        kind="imap",
        content=packing.MAILS_HEAD
        + b"".join(
            packing.pack_mail(b"Subject: Regulator writes order %d\r\nMessage-ID: <%d@x>\r\n\r\nText\r\n" % (n, n))
            for n in (1, 2)
        ),
        titles=_TITLES,
    ),
]


def test_every_built_in_kind_is_under_this_contract() -> None:
    assert set(kinds.find_kinds().built_in.by_name) == {document.kind for document in DOCUMENTS}


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: str(check.__name__))
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.kind))
def test_a_source_keeps_the_contract(document: SourceDocument, check: contract.Check) -> None:
    check(document)
