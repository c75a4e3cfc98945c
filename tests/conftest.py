"""Settings of every suite: one PostgreSQL per run, a heap without tests, and in CI the same generated examples."""

from __future__ import annotations

import gc
import os
import re
from collections import Counter

import pytest
from hypothesis import settings

from tests.testbed import authorities
from tests.testbed.servers.ntfy import ntfy_server
from tests.testbed.servers.postgres import postgres_server

__all__ = ["ntfy_server", "postgres_server"]

#: Their tests run commands, servers and whole passes.
_LONG_FOLDERS = frozenset(("cli", "container", "crash", "docs", "fetch", "hostile", "journeys", "web"))
_TIMEOUT = re.compile(r"Timeout|timed out|no answer in \d+ seconds")

authorities.trust_one()
# No deadline: a busy machine is not a fault of the code.
settings.register_profile("ci", derandomize=True, max_examples=40, deadline=None)
# Runs outside CI try other examples each time.
settings.register_profile("anywhere", max_examples=40, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist give out the files in the order of their collection, not by how many tests each has.

    There is no garbage among the tests, so that collecting it would only make each process start later.
    """
    config.option.loadscopereorder = False
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders of long tests, so that at the end no process is left alone with one of their files."""
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.parent.name not in _LONG_FOLDERS, -counts[item.path]))


def pytest_collection_finish() -> None:
    """Exclude thousands of tests from garbage collection, which each start of the bot triggers."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so if all failures are timeouts of a busy machine."""
    failed = [*terminalreporter.stats.get("failed", ()), *terminalreporter.stats.get("error", ())]
    if failed and all(_TIMEOUT.search(report.longreprtext.rpartition("\nE  ")[2]) for report in failed):
        terminalreporter.write_line(
            "Only timeouts failed: this machine was busy. Run these tests again when it is not."
        )
