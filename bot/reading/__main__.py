"""A reader process: reads the documents that come in on standard input until it is closed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from typing import BinaryIO

from bot import ports, sources
from bot.maintenance import gc_tuning
from bot.reading import packing
from bot.reading.job import Done, Job, do


def main() -> None:
    # Who started it ends it, by closing its input, once what is under way is stored: a terminal's Ctrl-C and a service
    # manager's SIGTERM go to the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Whatever a library prints must not stand between two answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sources.find()
    gc_tuning.spare_collections(lasts=True)
    with contextlib.suppress(BrokenPipeError):  # who asked is gone
        _serve(sys.stdin.buffer, answers)


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    _write(answers, packing.packed("ready"))
    while head := questions.read(packing.LENGTH):
        length = packing.length_of(head)
        if len(question := questions.read(length)) < length:
            return  # who asked is gone
        _write(answers, packing.packed(_answer(packing.unpacked(question))))


def _answer(job: Job) -> Done | Exception:
    try:
        return do(job)
    except ports.ReadError as error:
        return error
    except Exception:  # noqa: BLE001 -- raised where it was asked, which tells it
        return RuntimeError(f"in the reader process:\n{traceback.format_exc()}")


def _write(answers: BinaryIO, frame: bytes) -> None:
    left = memoryview(frame)
    while left:
        left = left[answers.write(left) :]


if __name__ == "__main__":
    main()
