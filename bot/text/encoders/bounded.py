"""An encoder with a time limit: opened on first use, paused after a failure."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from bot import model

log = structlog.get_logger("wirewatch")

#: Maximum duration of a call; the first call also loads the model (1.3 s on a busy machine).
TIMEOUT = timedelta(seconds=10)
#: Pause after a failure.
PAUSE = timedelta(minutes=10)


class Bounded:
    """Run an encoder, which ``opened`` returns, in a daemon thread."""

    def __init__(
        self,
        opened: Callable[[], model.Encoder],
        *,
        timeout: timedelta | None = None,
        pause: timedelta = PAUSE,
    ) -> None:
        self._opened, self._timeout, self._pause = opened, timeout or TIMEOUT, pause
        self._encoder: model.Encoder | None = None
        #: Seconds of the monotonic clock.
        self._off_until = 0.0
        self._thread: threading.Thread | None = None

    def encode(self, texts: Sequence[str]) -> Sequence[model.Vector]:
        """Return one vector per text. Raises EncoderFailed, at once if a call is overdue or failed recently."""
        if time.monotonic() < self._off_until or (self._thread and self._thread.is_alive()):
            raise model.EncoderFailed("reading meaning: paused after a failure")
        answers: queue.SimpleQueue[Sequence[model.Vector] | BaseException] = queue.SimpleQueue()
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
        log.warning("cross-language grouping paused", pause=model.format_duration(self._pause), error=str(answer))
        raise model.EncoderFailed(f"reading meaning: {answer}") from answer

    def _work(self, texts: Sequence[str], answers: queue.SimpleQueue[Sequence[model.Vector] | BaseException]) -> None:
        try:
            self._encoder = self._encoder or self._opened()
            answers.put(self._encoder.encode(texts))
        except BaseException as error:  # noqa: BLE001 - grouping continues whatever a model does, including a panic
            answers.put(error)
