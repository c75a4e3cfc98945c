"""How the time of a call grows with the length of its text."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T", bound=Sized)

#: Lengths. The first are short: what is exponential is over by then.
_SIZES = (22, 96, 512, 4_096)
#: Nothing is judged below this: the clock is coarse and the machine busy.
_FLOOR_S = 0.008
#: More than so many times as long for a text eight times as long: linear is 8, quadratic 64.
_STEEP = 24
#: A call may cost more from some length on: twice that text then takes at most twice as long, quadratic four times.
_TWICE = 3
#: From so many characters on the text can be doubled: what is exponential was told before.
_DOUBLED_FROM = 100
#: Linear, and still too slow: a megabyte would take half a minute.
_SLOW_S = 0.12


@dataclass(frozen=True, slots=True)
class Growth:
    length: int
    seconds: float
    ratio: float

    @property
    def is_steep(self) -> bool:
        return self.ratio > _STEEP or self.seconds > _SLOW_S * max(1.0, self.length / _SIZES[-1])

    def __str__(self) -> str:
        return f"{self.seconds:.3f} s for {self.length:,} characters, {self.ratio:.0f} times as long as for an eighth"


def measured(call: Callable[[T], object], text_of: Callable[[int], T], sizes: tuple[int, ...] = _SIZES) -> Growth:
    """Stops at the first size that takes so long that the next cannot be awaited."""
    shorter_seconds = 0.0
    for size in (*sizes, sizes[-1] * 8):
        is_beyond = size > sizes[-1]
        growth = _grown(call, text_of(size), shorter_seconds)
        # A longer text is asked for only where the last one grew suspiciously and was too quick to be judged.
        if growth.seconds > _FLOOR_S and (growth.is_steep or is_beyond):
            if not _is_step(call, text_of, growth.seconds, size):
                return growth
            growth = Growth(growth.length, growth.seconds, 0)
        if size == sizes[-1] and not growth.ratio > _STEEP:
            return growth
        shorter_seconds = growth.seconds
    return Growth(sizes[-1], shorter_seconds, 0)


def _grown(call: Callable[[T], object], text: T, shorter_seconds: float) -> Growth:
    seconds = _seconds(call, text)
    ratio = seconds / max(shorter_seconds, _FLOOR_S / 200)
    if ratio > _STEEP or seconds > _SLOW_S:
        # Again, with the best of several: the machine may have been busy.
        seconds = min([seconds, *(_seconds(call, text) for _ in range(3 if seconds < _SLOW_S else 1))])
        ratio = seconds / max(shorter_seconds, _FLOOR_S / 200)
    return Growth(len(text), seconds, ratio)


def _is_step(call: Callable[[T], object], text_of: Callable[[int], T], seconds: float, size: int) -> bool:
    """Whether the call became dearer at some length below this one, and is linear from there on."""
    if seconds > _SLOW_S or size < _DOUBLED_FROM:
        return False
    once, twice = (min(_seconds(call, text_of(length)) for _ in range(3)) for length in (size, size * 2))
    return twice < _TWICE * once


def _seconds(call: Callable[[T], object], text: T) -> float:
    started = time.process_time()
    call(text)
    return time.process_time() - started
