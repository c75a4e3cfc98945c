"""The contract of every source; a new kind is found and tested automatically."""

from __future__ import annotations

import pytest

from bot.feeds import kinds
from bot.feeds.kit import packing
from bot.testing import sources as contract
from bot.testing.sources import SourceDocument
from tests.feeds.documents import KINDS, of_kind

_TITLES = ("Regulator writes order 1", "Regulator writes order 2")
_ITEMS = [{"id": title[-1], "title": title, "link": f"https://news.example.org/{title[-1]}"} for title in _TITLES]
DOCUMENTS = [
    *(
        SourceDocument(
            kind=kind,
            content=of_kind(kind, *_ITEMS).encode(),
            titles=_TITLES,
            options={"item": "li"} if kind == "page" else {},
        )
        for kind in sorted({*KINDS.values()})
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
