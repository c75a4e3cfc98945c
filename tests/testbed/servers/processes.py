"""Processes by what the system says of them (proc(5))."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the running processes that a process has started."""
    return [int(text) for item in Path(f"/proc/{pid}/task").glob("*/children") for text in item.read_text().split()]


def readers(pid: int) -> list[int]:
    """Return the reader processes that a bot has started."""
    return [child for child in children(pid) if b"bot.fetch" in Path(f"/proc/{child}/cmdline").read_bytes()]
