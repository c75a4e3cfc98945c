"""What the earlier readings of a batch have brought, which the store is told of only when all are identified.

Without it an article that two feeds of one batch carry would be new twice, and an edited one would be known by what it
was called before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot import model, ports
from bot.articles.identity import Identification, Identified, Novelty
from bot.articles.links import link_key
from bot.articles.stubs import stub_of

#: Whether it was just made, and its id: the store names the oldest first, and of those of one time the first by id.
#: Then what was found; few are ever asked for.
_Found = tuple[bool, str, Identified]


class Fresh:
    """The articles of a batch, for the items that come after them in it."""

    def __init__(self) -> None:
        self._by_link: defaultdict[str, list[_Found]] = defaultdict(list)
        self._by_fingerprint: defaultdict[str, list[_Found]] = defaultdict(list)
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
            by_link=_joined(known.by_link, by_link),
            by_fingerprint=_joined(known.by_fingerprint, by_fingerprint),
        )

    def _with_edits(self, known: ports.Known) -> ports.Known:
        def now(stubs: Iterable[ports.Stub]) -> list[ports.Stub]:
            return [self._edited.get(stub.id, stub) for stub in stubs]

        return replace(
            known,
            by_key={key: self._edited.get(stub.id, stub) for key, stub in known.by_key.items()},
            by_link={
                link: [stub for stub in now(stubs) if link_key(stub.link) == link]
                for link, stubs in known.by_link.items()
            },
            by_fingerprint={
                name: [stub for stub in now(stubs) if stub.fingerprint == name]
                for name, stubs in known.by_fingerprint.items()
            },
        )

    def add(self, found: Identification) -> None:
        """Keep the articles that ``found`` brought or changed."""
        for item in found.items:
            # What is retold becomes an article only once rules have matched it.
            if item.article is not None and item.novelty is not Novelty.RETOLD:
                self._add(item, item.article)

    def _add(self, item: Identified, article: model.Article) -> None:
        if item.stub is None and article.id in self._edited:
            return  # the store leaves an id that exists as it is
        if item.stub is not None:
            self._edited[article.id] = _stub(item)
        one = (item.stub is None, article.id, item)
        if item.novelty is not Novelty.OLD:
            self._by_fingerprint[article.fingerprint].append(one)
        if key := link_key(article.link):
            self._by_link[key].append(one)


def _named(names: Iterable[str], found: Mapping[str, list[_Found]]) -> dict[str, list[ports.Stub]]:
    return {name: _stubs(found[name]) for name in names if name in found}


def _stubs(found: Iterable[_Found]) -> list[ports.Stub]:
    """As the store would order them, each article once, as it was edited."""
    by_id: dict[str, ports.Stub] = {}
    for _, id_, item in sorted(found, key=lambda one: one[:2]):
        by_id.setdefault(id_, _stub(item))
    return list(by_id.values())


def _joined(
    stored: Mapping[str, Sequence[ports.Stub]], brought: Mapping[str, Sequence[ports.Stub]]
) -> Mapping[str, Sequence[ports.Stub]]:
    """What the store knows first; of an article that was edited since, once."""
    joined = dict(stored)
    for name, stubs in brought.items():
        known = stored.get(name, ())
        ids = {stub.id for stub in known}
        joined[name] = [*known, *(stub for stub in stubs if stub.id not in ids)]
    return joined


def _stub(item: Identified) -> ports.Stub:
    assert item.article is not None
    stub = stub_of(item.article, has_text=item.novelty is not Novelty.OLD)
    # Whoever brought it first, edits it, unless its own site took it over.
    if item.stub is None or item.novelty is Novelty.TAKEN_OVER:
        return stub
    return replace(stub, feed=item.stub.feed)
