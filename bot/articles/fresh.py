"""Remember the articles of the earlier readings of a batch: the store gets them only when all are identified.

Without this an article that two feeds of one batch carry would be new twice, and an edited one would be compared with
its former text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot import model, ports
from bot.articles.identity import Identification, Identified, Novelty
from bot.articles.links import link_key
from bot.articles.stubs import stub_of

#: The order of the store: articles that it has before new ones, then by id. The item is turned into a stub when needed.
_BatchItem = tuple[bool, str, Identified]


class Fresh:
    """The articles of a batch, for the items that follow them in it."""

    def __init__(self) -> None:
        self._by_link: defaultdict[str, list[_BatchItem]] = defaultdict(list)
        self._by_fingerprint: defaultdict[str, list[_BatchItem]] = defaultdict(list)
        #: Stored articles as this batch has edited them.
        self._edited: dict[model.ArticleId, ports.Stub] = {}

    def beside(self, stored: ports.Known, question: ports.Question) -> ports.Known:
        """Return the store's answer to ``question``, updated with the articles of this batch."""
        by_link = _stubs_by_name(question.links, self._by_link)
        by_fingerprint = _stubs_by_name(question.fingerprints, self._by_fingerprint)
        if self._edited:
            stored = self._with_edits(stored)
        if not by_link and not by_fingerprint:
            return stored
        return replace(
            stored,
            by_link=_joined(stored.by_link, by_link),
            by_fingerprint=_joined(stored.by_fingerprint, by_fingerprint),
        )

    def _with_edits(self, stored: ports.Known) -> ports.Known:
        def edited(stubs: Iterable[ports.Stub]) -> list[ports.Stub]:
            return [self._edited.get(stub.id, stub) for stub in stubs]

        return replace(
            stored,
            by_key={key: self._edited.get(stub.id, stub) for key, stub in stored.by_key.items()},
            by_link={
                link: [stub for stub in edited(stubs) if link_key(stub.link) == link]
                for link, stubs in stored.by_link.items()
            },
            by_fingerprint={
                fingerprint: [stub for stub in edited(stubs) if stub.fingerprint == fingerprint]
                for fingerprint, stubs in stored.by_fingerprint.items()
            },
        )

    def add(self, identification: Identification) -> None:
        """Remember the articles that one reading added or changed."""
        for item in identification.items:
            article = item.article
            # RETOLD items become articles only once rules have matched them.
            if article is None or item.novelty is Novelty.RETOLD:
                continue
            if item.stub is None and article.id in self._edited:
                continue  # the store keeps what it has under this id
            if item.stub is not None:
                self._edited[article.id] = _stub(item)
            batch_item = (item.stub is None, article.id, item)
            if item.novelty is not Novelty.OLD:
                self._by_fingerprint[article.fingerprint].append(batch_item)
            if key := link_key(article.link):
                self._by_link[key].append(batch_item)


def _stubs_by_name(names: Iterable[str], items: Mapping[str, list[_BatchItem]]) -> dict[str, list[ports.Stub]]:
    """Return the stubs under each name, in the order of the store, each article once, as first edited."""
    stubs: dict[str, list[ports.Stub]] = {}
    for name in names:
        if name in items:
            by_id: dict[str, ports.Stub] = {}
            for _, id_, item in sorted(items[name], key=lambda batch_item: batch_item[:2]):
                by_id.setdefault(id_, _stub(item))
            stubs[name] = list(by_id.values())
    return stubs


def _joined(
    stored: Mapping[str, Sequence[ports.Stub]], batch: Mapping[str, Sequence[ports.Stub]]
) -> Mapping[str, Sequence[ports.Stub]]:
    """Return the stored stubs, then the ones that only this batch has."""
    joined = dict(stored)
    for name, stubs in batch.items():
        stored_stubs = stored.get(name, ())
        ids = {stub.id for stub in stored_stubs}
        joined[name] = [*stored_stubs, *(stub for stub in stubs if stub.id not in ids)]
    return joined


def _stub(item: Identified) -> ports.Stub:
    assert item.article is not None
    stub = stub_of(item.article, has_text=item.novelty is not Novelty.OLD)
    # An edited article stays with its source, unless the link's own site took it over.
    if item.stub is None or item.novelty is Novelty.TAKEN_OVER:
        return stub
    return replace(stub, feed=item.stub.feed)
