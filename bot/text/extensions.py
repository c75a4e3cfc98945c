"""Calls of Rust libraries, whose panics are raised as a BaseException that is not an Exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Functions whose panic has been logged.
_logged: set[str] = set()


def call(function: Callable[P, T], otherwise: T, *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what ``function`` returns, or ``otherwise`` if it panics; the first panic of a function is logged.

    Also returns ``otherwise`` for a text with a lone surrogate, which cannot be passed to Rust.
    """
    try:
        return function(*args, **kwargs)
    except UnicodeEncodeError:
        return otherwise
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        if function.__name__ not in _logged:
            _logged.add(function.__name__)
            import structlog  # costs start-up

            log = structlog.get_logger("wirewatch")
            log.error("a library panicked; the text is read without it", library=function.__module__, error=str(error))
        return otherwise
