"""Multilingual E5 (large) by fastembed, which downloads 2.2 GB of weights on first use and keeps them.

Environment variables of fastembed: FASTEMBED_CACHE_PATH (where to keep them), HF_HUB_OFFLINE (do not download).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bot import model

NAME = "intfloat/multilingual-e5-large"
#: Prefix for texts that are compared with each other, according to the model card.
_PREFIX = "query: "
#: Headlines on unrelated subjects. Their mean is the part that all vectors share: 0.7 and more of each cosine.
_UNRELATED = (
    "Bakers' guild elects its first chairwoman",
    "Heavy rain expected in the north on Sunday",
    "El museo reabre su sala de relojes tras dos años",
    "La selección empata en su primer partido",
    "Neue Buslinie verbindet Hafen und Bahnhof",
    "Forscher zählen seltene Käfer im Stadtpark",
    "Le prix du beurre augmente de trois pour cent",
    "Un pianiste remporte le concours de la ville",
    "Il mercato dei fiori cambia piazza",
    "Prefeitura inaugura ciclovia na zona leste",
    "Gemeente plant duizend bomen langs het kanaal",
    "Yeni kütüphane cumartesi günü açılıyor",
    "В зоопарке родились два снежных барса",
    "افتتاح معرض للخط العربي في المدينة القديمة",
    "市立図書館が開館時間を延長",
    "도서관이 주말 운영 시간을 늘린다",
)


class Model:
    """Vectors minus their common part, so that unrelated texts have a cosine near 0."""

    def __init__(self, **options: object) -> None:
        from fastembed import TextEmbedding

        self._model = TextEmbedding(NAME, threads=1, **options)
        common = self._embed(_UNRELATED)
        self._mean = [sum(column) / len(common) for column in zip(*common, strict=True)]

    def encode(self, texts: Sequence[str]) -> Sequence[model.Vector]:
        """Return one vector of 1,024 numbers per text."""
        centred = [[a - b for a, b in zip(vector, self._mean, strict=True)] for vector in self._embed(texts)]
        return [[number / (math.hypot(*vector) or 1.0) for number in vector] for vector in centred]

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [vector.tolist() for vector in self._model.embed([_PREFIX + text for text in texts])]
