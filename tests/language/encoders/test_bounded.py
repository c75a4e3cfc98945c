"""An encoder that breaks, hangs or is absent costs a moment once, then nothing for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from bot import ports
from bot.language.encoders.bounded import Bounded
from testbed.encoders import DictionaryEncoder

SHORT, LONG, NONE = timedelta(seconds=0.05), timedelta(hours=1), timedelta()


class Faulty:
    """Does what it is told before it answers."""

    def __init__(self, before: Callable[[], object]) -> None:
        self.before, self.calls = before, 0

    def encode(self, texts: Sequence[str]) -> Sequence[ports.Vector]:
        self.calls += 1
        self.before()
        return [(1.0,)] * len(texts)


def broken() -> ports.Encoder:
    raise OSError("no weights")


def test_it_is_opened_on_the_first_text_and_once() -> None:
    opened: list[DictionaryEncoder] = []

    def open_one() -> ports.Encoder:
        opened.append(DictionaryEncoder({}))
        return opened[-1]

    bounded = Bounded(open_one)
    assert opened == []
    assert len(bounded.encode(["one", "two"])) == 2
    bounded.encode(["three"])
    assert [len(one.calls) for one in opened] == [2]


def test_a_model_that_cannot_be_opened_is_said_and_tried_again_after_a_pause() -> None:
    with pytest.raises(ports.EncoderFailed, match="no weights"):
        Bounded(broken).encode(["text"])
    bounded = Bounded(broken, pause=NONE)
    for _ in range(2):
        with pytest.raises(ports.EncoderFailed, match="no weights"):
            bounded.encode(["text"])


def test_after_a_failure_it_is_left_alone_for_a_while() -> None:
    def fail() -> None:
        raise ValueError("bad text")

    faulty = Faulty(fail)
    bounded = Bounded(lambda: faulty, pause=LONG)
    with pytest.raises(ports.EncoderFailed, match="bad text"):
        bounded.encode(["text"])
    with pytest.raises(ports.EncoderFailed, match="paused"):
        bounded.encode(["text"])
    assert faulty.calls == 1


def test_one_that_hangs_is_given_up_and_not_asked_again_before_it_answers() -> None:
    release = threading.Event()
    faulty = Faulty(release.wait)
    bounded = Bounded(lambda: faulty, timeout=SHORT, pause=NONE)
    before = time.monotonic()
    with pytest.raises(ports.EncoderFailed, match=r"no answer in 0\.05 seconds"):
        bounded.encode(["text"])
    assert time.monotonic() - before < 5
    with pytest.raises(ports.EncoderFailed, match="paused"):
        bounded.encode(["text"])
    assert faulty.calls == 1
    release.set()
    assert bounded._thread is not None
    bounded._thread.join()
    assert bounded.encode(["text"]) == [(1.0,)]
