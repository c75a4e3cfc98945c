"""Call Rust libraries, whose panics are raised as a BaseException that is not an Exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Functions whose panic has been logged.
_logged: set[str] = set()


def call(function: Callable[P, T], otherwise: T, *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the result of ``function``, or ``otherwise`` if it panics. Log the first panic of each function.

    Also return ``otherwise`` for a text with a lone surrogate, which cannot be passed to Rust.
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
            import structlog  # imported here to save start-up time

            log = structlog.get_logger("wirewatch")
            log.error("library panicked; text processed without it", library=function.__module__, error=str(error))
        return otherwise
