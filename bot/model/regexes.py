"""Regular expressions that are compiled at their first use.

Costs start-up: the long ones of a running bot take a tenth of the time of a command, which uses few of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

_METHODS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "pattern", "flags")


class _Later:
    """Has the methods of the compiled expression once one of them was asked for."""

    def __init__(self, text: str | Callable[[], str], flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self._text if isinstance(self._text, str) else self._text(), self._flags)
        for each in _METHODS:
            setattr(self, each, getattr(compiled, each))
        return getattr(self, name)


def compile(text: str | Callable[[], str], flags: int = 0) -> re.Pattern[str]:  # noqa: A001 -- as re.compile
    """The expression, whose text may be made at the first use too. A wrong one raises re.error then."""
    return cast("re.Pattern[str]", _Later(text, flags))
