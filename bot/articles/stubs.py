"""The identity of an article that was just made, as the store would return it."""

from __future__ import annotations

from bot import model, ports


def stub_of(article: model.Article, *, has_text: bool) -> ports.Stub:
    """Return what the store would return of ``article``."""
    return ports.Stub(
        id=article.id,
        link=article.link,
        title=article.title,
        published=article.published,
        fingerprint=article.fingerprint,
        has_text=has_text,
        feed=article.feed,
    )
