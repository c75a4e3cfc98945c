"""What the earlier readings of a batch have brought, which the store is told of only when all are identified.

Without it an article that two feeds of one batch carry would be new twice, and an edited one would be known by what it
was called before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot import model, ports
from bot.articles.identity import Identification, Identified, Novelty
from bot.articles.links import link_key
from bot.articles.stubs import stub_of

#: Whether it was just made, and its id: the store names the oldest first, and of those of one time the first by id.
#: Then what was found; few are ever asked for.
_Found = tuple[bool, str, Identified]


class Fresh:
    def __init__(self) -> None:
        self._by_link: dict[str, _Found] = {}
        self._by_fingerprint: dict[str, _Found] = {}
        #: Stored articles as they are now.
        self._edited: dict[model.ArticleId, ports.Stub] = {}

    def beside(self, known: ports.Known, question: ports.Question) -> ports.Known:
        """What the store knows, as it is since, and after it what was brought since."""
        by_link = _named(question.links, self._by_link)
        by_fingerprint = _named(question.fingerprints, self._by_fingerprint)
        if self._edited:
            known = self._with_edits(known)
        if not by_link and not by_fingerprint:
            return known
        return replace(
            known,
            by_link={**by_link, **known.by_link},
            by_fingerprint={**by_fingerprint, **known.by_fingerprint},
        )

    def _with_edits(self, known: ports.Known) -> ports.Known:
        def now(stubs: Mapping[str, ports.Stub]) -> list[tuple[str, ports.Stub]]:
            return [(name, self._edited.get(stub.id, stub)) for name, stub in stubs.items()]

        return replace(
            known,
            by_key=dict(now(known.by_key)),
            by_link={link: stub for link, stub in now(known.by_link) if link_key(stub.link) == link},
            by_fingerprint={name: stub for name, stub in now(known.by_fingerprint) if stub.fingerprint == name},
        )

    def add(self, found: Identification) -> None:
        for item in found.items:
            if item.article is not None:
                self._add(item, item.article)

    def _add(self, item: Identified, article: model.Article) -> None:
        if item.stub is None and article.id in self._edited:
            return  # the store leaves an id that exists as it is
        if item.stub is not None:
            self._edited[article.id] = _stub(item)
        one = (item.stub is None, article.id, item)
        if item.novelty is not Novelty.OLD:
            _keep(self._by_fingerprint, article.fingerprint, one)
        if key := link_key(article.link):
            _keep(self._by_link, key, one)


def _keep(found: dict[str, _Found], name: str, one: _Found) -> None:
    if name not in found or one[:2] < found[name][:2]:
        found[name] = one


def _named(names: Iterable[str], found: Mapping[str, _Found]) -> dict[str, ports.Stub]:
    return {name: _stub(found[name][2]) for name in names if name in found}


def _stub(item: Identified) -> ports.Stub:
    assert item.article is not None
    stub = stub_of(item.article, has_text=item.novelty is not Novelty.OLD)
    # Whoever brought it first, edits it.
    return stub if item.stub is None else replace(stub, feed=item.stub.feed)
