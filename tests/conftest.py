"""Settings of every suite: one PostgreSQL per run, a heap without tests, and in CI the same generated examples."""

from __future__ import annotations

import gc
import os
import re

import pytest
import structlog
from hypothesis import settings

from tests.testbed import authorities
from tests.testbed.servers.postgres import postgres_server

__all__ = ["postgres_server"]

_TIMEOUT = re.compile(r"Timeout|timed out|no answer in \d+ seconds")

authorities.trust_one()
# The default formatter draws each traceback with its variables, in a quarter of a second.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(colors=False),
    ]
)
# No deadline: a busy machine is not a fault of the code.
settings.register_profile("ci", derandomize=True, max_examples=40, deadline=None)
# Runs outside CI try other examples each time.
settings.register_profile("anywhere", max_examples=40, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")


def pytest_configure() -> None:
    """Switch garbage collection off during the collection of the tests, which leaves no garbage."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a folder together, so that fixtures of the folder are set up once, whatever the order."""
    items.sort(key=lambda item: item.path.parent)


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
