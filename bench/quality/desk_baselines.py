"""Show a desk in the two obvious ways: each article alone, and clusters by TF-IDF centroids with one threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.quality import centroid
from bench.quality.desk_scores import Desk, Shown
from bench.quality.storysets import Labelled
from bot.model.stories import Article, ArticleId

#: The threshold of the centroid that is best for the labelled story sets taken together (bench/quality/stories.py).
THRESHOLD = 0.16


def alone(desk: Desk) -> Shown:
    """A message for each article."""
    items = [item.id for item in desk.items if item.event]
    return Shown(headlines=set(items), messages=len(items), stories={item: item for item in items})


def tfidf(desk: Desk) -> Shown:
    """A message for each cluster, under its first headline."""
    items = [item for item in desk.items if item.event]
    rows = [
        Labelled(
            story=item.event or "",
            article=Article(
                id=ArticleId(item.id),
                feed="",
                outlet=item.source,
                owner=item.source,
                link=item.link,
                title=item.title,
                text=item.text,
                published=item.at,
                first_seen=item.at,
                fingerprint=item.id,
            ),
        )
        for item in items
    ]
    threads = dict(zip((item.id for item in items), centroid.threads(rows, THRESHOLD), strict=True))
    openers: dict[str, str] = {}
    for item, thread in threads.items():
        openers.setdefault(thread, item)
    return Shown(headlines=set(openers.values()), messages=len(openers), stories=threads)


ALL: Mapping[str, Callable[[Desk], Shown]] = {"each alone": alone, "TF-IDF centroid": tfidf}
