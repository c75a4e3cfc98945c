"""What every client of the SDK is given: one TLS context, and a log that stays silent."""

from __future__ import annotations

import logging
import ssl
from functools import cache


@cache
def tls() -> ssl.SSLContext:
    """One for all calls: reading the system's certificates takes tens of milliseconds."""
    return ssl.create_default_context()


@cache
def silent_logger() -> logging.Logger:
    """The SDK writes payloads and a webhook's address, which is its secret, into its log; we write our own."""
    logger = logging.getLogger("wirewatch.slack_sdk")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger
