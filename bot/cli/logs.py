"""Log lines on stderr: coloured on a terminal, JSON elsewhere; a value of a stranger's is one line of text in both."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from bot import ports
from bot.model import visible

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

#: The event of each poll (bot/pipeline/reports.py).
POLLED = "feed polled"


def guard() -> None:
    """Whatever a library says or a bug raises goes to stderr as text that cannot steer the terminal."""
    # Libraries speak through logging; their warnings are ours, their chatter is not.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Clean("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed


def set_up(*, verbose: bool = False, quiet: bool = False, silenced: Collection[str] = ()) -> None:
    """``quiet``: warnings only; ``verbose``: debug too; ``silenced``: events that the command tells itself."""
    # Costs start-up: commands that log nothing do without.
    import structlog

    def drop(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if event.get("event") in silenced:
            raise structlog.DropEvent
        return event

    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    if not verbose and (named := _chosen("WIREWATCH_LOG_LEVEL", ("debug", "info", "warning", "error"))):
        level = logging.getLevelNamesMapping()[named.upper()]
    is_text = (_chosen("WIREWATCH_LOG_FORMAT", ("text", "json")) or "text" * sys.stderr.isatty()) == "text"
    renderer: Processor = structlog.processors.JSONRenderer()
    if is_text:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            drop,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            clean,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _chosen(variable: str, choices: Sequence[str]) -> str:
    """The variable's value; empty: it is not set. Raises ConfigError."""
    value = os.environ.get(variable, "").strip().lower()
    if value and value not in choices:
        raise ports.ConfigError(f"reading {variable}: it is none of {', '.join(choices)}")
    return value


def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: no value can begin a new line or steer the terminal."""
    return {name: visible.lines(value) if name == "exception" else _fit(value) for name, value in event.items()}


def _fit(value: object) -> object:
    match value:
        case str():
            return visible.line(value)
        case list() | tuple() | set() | frozenset():
            return [_fit(each) for each in value]
        case dict():
            return {_fit(name): _fit(each) for name, each in value.items()}
        case bool() | int() | float() | None:
            return value
        case _:
            return visible.line(repr(value))


class _Clean(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible.lines(super().format(record))


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug's traceback may quote a stranger."""
    sys.stderr.write(visible.lines("".join(traceback.format_exception(kind, error, trace))))


def _thread_crashed(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and crash.exc_type is not SystemExit:
        _crashed(crash.exc_type, crash.exc_value, crash.exc_traceback)
