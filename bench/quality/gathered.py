"""Measure how many headlines of a busy hour each kind of channel shows with their link, and in how many messages.

    make bench-gathered BENCH_ARGS="--stories 150"

The stories have headlines of 60 to 200 characters and links of 40 to 300. All are sent to local servers that enforce
the limits of the services, under a rate cap of five messages an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import structlog

from bench.quality import busy_hour


def main() -> None:
    """Print one line for each channel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=150)
    stories = parser.parse_args().stories
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder:
        readers = asyncio.run(busy_hour.run(Path(folder), stories=stories))
    print(f"{stories} stories        shown and linked   removed by an edit   messages")
    for name, reader in readers.items():
        print(f"{name:28} {len(reader.shown):8} {len(reader.lost):20} {reader.messages[-1]:10}")


if __name__ == "__main__":
    main()
