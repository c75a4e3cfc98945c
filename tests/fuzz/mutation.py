"""Inputs made of others: cut, joined, repeated, and with words in wrong places."""

from __future__ import annotations

import random
from collections.abc import Sequence

#: Longer ones find nothing more and take longer.
MAX_BYTES = 30_000


def mutated(draw: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A seed after one to eight changes."""
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.randint(1, 8)):
        _change(draw, data, seeds, words)
        del data[MAX_BYTES:]
    return bytes(data)


def _change(draw: random.Random, data: bytearray, seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = draw.randint(0, len(data))
    to = min(len(data), at + draw.choice((1, 4, 30, 300)))
    match draw.randrange(9):
        case 0:
            del data[at:to]
        case 1:
            data[at:at] = draw.choice(words)
        case 2:
            data[at:to] = draw.choice(words)
        case 3:
            # What is quadratic shows only where there is much of it.
            data[at:at] = draw.choice(words) * draw.choice((2, 50, 2_000))
        case 4:
            data[at:at] = bytes(data[at:to]) * draw.choice((1, 10, 200))
        case 5:
            data[at:at] = draw.randbytes(draw.choice((1, 2, 8)))
        case 6:
            del data[at:]
        case 7:
            other = draw.choice(seeds)
            data[at:to] = other[draw.randint(0, len(other)) :]
        case _:
            for place in range(at, to):
                data[place] ^= 1 << draw.randrange(8)
