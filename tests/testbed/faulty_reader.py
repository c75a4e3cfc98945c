"""The program of a reader process, over a parser with faults that only documents with their names meet."""

from __future__ import annotations

PROGRAM = """
import os, sys, time
sys.path[:] = sys.argv[2:]
from datetime import timedelta

from bot.model.feeds import ParsedFeed
from bot.feeds import kinds
from bot.fetch import child, protocol
protocol.PATIENCE = timedelta(seconds=1)
read = kinds.parse_document

class Panic(BaseException):
    "Libraries in Rust raise such an exception."

def panic():
    raise Panic

def forever():
    while True: pass

def leak():
    more = []
    while True: more.append(bytes(100_000))

FAULTS = {
    b"fault-time": forever,
    b"fault-slow": lambda: time.sleep(0.6),
    b"fault-memory": lambda: bytes(3_000_000_000),
    b"fault-leak": leak,
    b"fault-size": lambda: ParsedFeed(title="x" * 9_000_000),
    b"fault-crash": os.abort,
    b"fault-exit": lambda: os._exit(7),
    b"fault-panic": panic,
    b"fault-error": lambda: {}["ours"],
}

def faulty(body, **named):
    for name, fault in FAULTS.items():
        if name in body.content:
            return fault() or read(body, **named)
    return read(body, **named)

kinds.parse_document = faulty
child.main(int(sys.argv[1]))
"""
