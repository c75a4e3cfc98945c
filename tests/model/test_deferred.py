"""Names of packages that are imported when they are first used."""

from __future__ import annotations

import sys

import pytest

from bot import storage
from bot.model import deferred


def test_a_name_is_what_its_module_defines_whoever_imports_first() -> None:
    import bot.storage.moving  # noqa: F401 -- the order is what is tested

    assert callable(storage.move)
    assert storage.move is sys.modules["bot.storage.moving"].move


def test_a_name_that_is_also_a_module_is_refused() -> None:
    with pytest.raises(ValueError, match="modules and names cannot be called alike: move"):
        deferred.names("bot.storage", {"move": "move"})


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'mov'"):
        _ = storage.mov
