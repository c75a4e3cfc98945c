"""What every client of the SDK is given: one TLS context, and a log that stays silent."""

from __future__ import annotations

import logging
import ssl
from functools import cache


@cache
def tls() -> ssl.SSLContext:
    """Return a shared TLS context: reading the system's certificates takes tens of milliseconds."""
    return ssl.create_default_context()


@cache
def silent_logger() -> logging.Logger:
    """Return a logger for the SDK that drops everything: it would log payloads and the secret address of a webhook."""
    logger = logging.getLogger("wirewatch.slack_sdk")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger
