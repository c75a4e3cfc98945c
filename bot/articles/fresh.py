"""What the earlier readings of a batch have brought, which the store is told of only when all are identified.

Without it an article that two feeds of one batch carry would be new twice. An edited one is known by what it is called
now, and stays known by what it was called before.
"""

from __future__ import annotations

from dataclasses import replace

from bot import model, ports
from bot.articles.identity import Identification, Novelty
from bot.articles.links import link_key
from bot.articles.stubs import stub_of


class Fresh:
    def __init__(self) -> None:
        self._by_link: dict[str, ports.Stub] = {}
        self._by_fingerprint: dict[str, ports.Stub] = {}

    def beside(self, known: ports.Known, question: ports.Question) -> ports.Known:
        """What the store knows, and after it what was brought since."""
        by_link = {link: self._by_link[link] for link in question.links if link in self._by_link}
        by_fingerprint = {
            name: self._by_fingerprint[name] for name in question.fingerprints if name in self._by_fingerprint
        }
        if not by_link and not by_fingerprint:
            return known
        return replace(
            known,
            by_link={**by_link, **known.by_link},
            by_fingerprint={**by_fingerprint, **known.by_fingerprint},
        )

    def add(self, found: Identification) -> None:
        for item in found.items:
            if item.article is not None:
                self._add(item.article, has_text=item.novelty is not Novelty.OLD)

    def _add(self, article: model.Article, *, has_text: bool) -> None:
        stub = stub_of(article, has_text=has_text)
        self._by_fingerprint.setdefault(article.fingerprint, stub)
        if key := link_key(article.link):
            self._by_link.setdefault(key, stub)
