"""Skip a test whose server is missing here, or fail if the server is required."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


class Absent(Exception):
    """The server cannot be had here; the text says what to install."""


def skip(absent: Absent, *, unless: str) -> NoReturn:
    """Skip, or fail where the environment variable ``unless`` is ``require``."""
    if os.environ.get(unless) == "require":
        pytest.fail(str(absent))
    pytest.skip(f"{absent} ({unless}=require makes this an error)")
