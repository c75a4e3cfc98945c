"""Write log lines to stderr: coloured text on a terminal, else JSON. Untrusted values stay on one line."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

from bot.model import visible
from bot.model.errors import ConfigError

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

#: The log event of each poll (bot/pipeline/passes.py).
POLLED = "feed polled"
#: Whether every line on stderr must be JSON, because a program reads the stderr of `wirewatch run`.
_is_all_json = False


def guard() -> None:
    """Escape control characters in the warnings of libraries and in tracebacks."""
    # Show the warnings of libraries, but not their info messages.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Clean("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed


def set_up(
    *, verbose: bool = False, quiet: bool = False, silenced: Collection[str] = (), is_stream: bool = False
) -> None:
    """Configure the log.

    ``quiet`` logs only warnings and errors; ``verbose`` also logs at debug level. Events in ``silenced`` are dropped,
    because the command prints them itself. If ``is_stream`` is true and the log is JSON, library warnings and
    tracebacks are also written as JSON lines.
    """
    # Import here, because commands that log nothing start faster without structlog.
    structlog = _import_structlog()

    def drop(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if event.get("event") in silenced:
            raise structlog.DropEvent
        return event

    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    if not verbose and (named := _chosen("WIREWATCH_LOG_LEVEL", ("debug", "info", "warning", "error"))):
        level = logging.getLevelNamesMapping()[named.upper()]
    is_text = (_chosen("WIREWATCH_LOG_FORMAT", ("text", "json")) or "text" * sys.stderr.isatty()) == "text"
    global _is_all_json  # noqa: PLW0603 - the handlers that guard() installs read it
    _is_all_json = is_stream and not is_text
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


def _import_structlog() -> ModuleType:
    """Import structlog without rich, which it would load for tracebacks that our log does not show."""
    is_new = "rich" not in sys.modules
    if is_new:
        sys.modules["rich"] = None  # type: ignore[assignment]  # makes an import of it fail
    try:
        return importlib.import_module("structlog")
    finally:
        if is_new:
            del sys.modules["rich"]


def are_json() -> bool:
    """Return whether every line on stderr must be JSON."""
    return _is_all_json


def write_at_once(level: str, event: str) -> None:
    """Write one log line from a signal handler, without buffers and locks, because interrupted code may hold them."""
    os.write(2, (_json_line(level, event) if _is_all_json else f"wirewatch: {event}").encode() + b"\n")


def _json_line(level: str, event: str, **fields: str) -> str:
    time = datetime.now(UTC).isoformat().replace("+00:00", "Z")  # noqa: TID251 - the log's own clock
    return json.dumps({**fields, "event": event, "level": level, "timestamp": time})


def _chosen(variable: str, choices: Sequence[str]) -> str:
    """Return the value of an environment variable, or "" if it is not set. Raises ConfigError for an invalid value."""
    value = os.environ.get(variable, "").strip().lower()
    if value and value not in choices:
        raise ConfigError(f"reading {variable}: the value must be one of {', '.join(choices)}")
    return value


def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Remove line breaks and control characters from the values of an event. This is a structlog processor."""
    return {name: visible.lines(value) if name == "exception" else _fit(value) for name, value in event.items()}


def _fit(value: object) -> object:
    match value:
        case str():
            return visible.line(value)
        case list() | tuple() | set() | frozenset():
            return [_fit(item) for item in value]
        case dict():
            return {_fit(name): _fit(item) for name, item in value.items()}
        case bool() | int() | float() | None:
            return value
        case datetime():
            return value.isoformat()
        case _:
            # Log the text of errors, paths and enums, because their repr is Python code.
            return visible.line(str(value))


class _Clean(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if _is_all_json:
            return _json_line(record.levelname.lower(), visible.line(record.getMessage()), logger=record.name)
        return visible.lines(super().format(record))


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of a bug without control characters, because it may quote untrusted text."""
    text = visible.lines("".join(traceback.format_exception(kind, error, trace)))
    sys.stderr.write(_json_line("critical", "crashed", exception=text) + "\n" if _is_all_json else text)


def _thread_crashed(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and crash.exc_type is not SystemExit:
        _crashed(crash.exc_type, crash.exc_value, crash.exc_traceback)
