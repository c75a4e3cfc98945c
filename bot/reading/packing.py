"""What goes between two processes: frames of packed objects.

A frame is its length (4 bytes, big-endian) and a pickle. Dataclasses are packed as the tuple of their values, which
takes half the time of Python's own way: 60 µs in and 75 µs out for 30 items.
"""

from __future__ import annotations

import copyreg
import io
import operator
import pickle
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from bot import articles, model, ports
from bot.articles.lookup import Item

LENGTH = 4
#: What questions and answers are made of.
_KINDS = (ports.Body, model.Feed, model.Reading, model.Entry, articles.Lookup, Item, ports.Question)


def packed(thing: object) -> bytes:
    """One frame."""
    out = io.BytesIO()
    out.write(bytes(LENGTH))
    _Packer(out, protocol=pickle.HIGHEST_PROTOCOL).dump(thing)
    frame = out.getbuffer()
    frame[:LENGTH] = (len(frame) - LENGTH).to_bytes(LENGTH, "big")
    return frame.tobytes()


def unpacked(payload: bytes) -> Any:
    """What was packed, from a frame without its length."""
    return pickle.loads(payload)  # noqa: S301 -- written by a process of our own


def length_of(head: bytes | bytearray) -> int:
    return int.from_bytes(head, "big")


def first_frame(received: bytearray) -> bytes | None:
    """What the first whole frame packs, taken out of what was received; None: more must come first."""
    end = LENGTH + length_of(received[:LENGTH])
    if len(received) < max(end, LENGTH):
        return None
    payload = bytes(received[LENGTH:end])
    del received[:end]
    return payload


def _by_values(kind: type[Any]) -> Callable[[object], tuple[Callable[..., object], tuple[object, ...]]]:
    values = operator.attrgetter(*(each.name for each in fields(kind)))
    return lambda one: (_made, (kind, *values(one)))


def _made(kind: type[Any], *values: object) -> object:
    one: object = object.__new__(kind)
    for set_slot, value in zip(_SLOTS[kind], values, strict=True):
        set_slot(one, value)
    return one


_SLOTS: Mapping[type[Any], tuple[Any, ...]] = {
    kind: tuple(vars(kind)[each.name].__set__ for each in fields(kind)) for kind in _KINDS
}


class _Packer(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table | {kind: _by_values(kind) for kind in _KINDS}
