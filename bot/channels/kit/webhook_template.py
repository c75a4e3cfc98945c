"""The template of a webhook: a Jinja template that turns the documented message into another service's document.

A template reads its message and nothing else. It calls no functions, so it cannot reach Python's objects, files or the
network. The number of its steps and the size of its output are bounded. At load, it is rendered with a sample of every
kind of message.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.patterns import LazyPattern

#: Maximum characters of a template, of its output, and of lines of compiled code that one rendering runs.
_TEMPLATE_LIMIT, _OUTPUT_LIMIT, _STEP_LIMIT = 20_000, 256 * 1024, 200_000
#: The filters whose output is not much longer than their input.
_FILTERS = (
    "capitalize count d default e escape first float int items join last length list lower map max min reject "
    "rejectattr reverse round select selectattr sort string sum title trim truncate unique upper urlencode"
).split()
#: Advice for the author of a template whose output a text can break.
_REMEDY = "write texts as {{ title | tojson }}, without quotation marks around them"
#: Fields that contain one of our words, an id, a time or an address. JSON needs no escapes for them.
_SAFE_FIELDS = frozenset(
    "schema id kind severity reason reply_to edits related story field form link first_seen last_seen at".split()
)
#: Characters that a headline may contain and that a template must escape. They are added to both ends of each text.
_HOSTILE = '"\\\n</script>'
_SAMPLES = Path(__file__).with_name("webhook_samples.json")

METHODS = ("POST", "PUT", "PATCH", "DELETE")
#: Text that may follow an address; the result is an address of the same server.
_PATH = LazyPattern(r"(?:[/?][A-Za-z0-9/?&=%._~:@!$'()*+,;-]*)?")

TemplateData: TypeAlias = Mapping[str, Any]
_Tracer: TypeAlias = Callable[[FrameType, str, Any], Any]


class InvalidTemplate(ValueError):
    """A template that cannot be used. The text says what is wrong, in which line, and what to do."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without functions, and without operators whose result can be huge."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(value, int | float) and abs(value) < 10**9 for value in (left, right)):
            raise SecurityError(f"{operator} is allowed between numbers only")
        return left * right if operator == "*" else left % right if operator == "%" else float(left) ** right


class WebhookTemplate:
    """The checked templates of a document, of the method of its request, and of the end of its address."""

    def __init__(self, source: str, *, keys: Sequence[str] = (), method: str = "POST", path: str = "") -> None:
        """Parse and check the templates. ``keys`` are names of secrets that they may use. Raises InvalidTemplate."""
        self._body, self._method, self._path = _parse(source), _parse(method), _parse(path)
        for sample in load_samples():
            data = {**sample, **dict.fromkeys(keys, "key")}
            hostile = _with_hostile_texts(data)
            output = self.render(data)
            if _find_keys(output) != _find_keys(self.render(hostile)):
                raise InvalidTemplate(f"{_describe(sample)}: a text can add keys to the output; {_REMEDY}")
            if output:
                self.target(data)
                self.target(hostile)

    def target(self, document: TemplateData) -> tuple[str, str]:
        """Return the method of the request, and the end of its address. Raises InvalidTemplate."""
        method, path = _render(self._method, document), _render(self._path, document)
        if method not in METHODS:
            raise InvalidTemplate(f'{_describe(document)}: "{method}" is not one of {", ".join(METHODS)}')
        if not _PATH.fullmatch(path):
            raise InvalidTemplate(
                f'{_describe(document)}: "{path}" cannot follow an address; begin with / or ?, and write texts as '
                "{{ title | urlencode }}"
            )
        return method, path

    def render(self, document: TemplateData) -> str:
        """Return a JSON document, or "" for a message that the template leaves out. Raises InvalidTemplate."""
        output = _render(self._body, document)
        try:
            json.loads(output or "null")
        except ValueError as error:
            raise InvalidTemplate(f"{_describe(document)}: the output is not JSON ({error}); {_REMEDY}") from None
        return output


def _parse(source: str) -> Template:
    if len(source) > _TEMPLATE_LIMIT:
        raise InvalidTemplate(f"the template is longer than {_TEMPLATE_LIMIT:,} characters")
    sandbox = _Sandbox(undefined=StrictUndefined, autoescape=False, cache_size=0)
    sandbox.globals.clear()
    sandbox.filters = {**{name: sandbox.filters[name] for name in _FILTERS}, "tojson": _to_json, "epoch": _to_epoch}
    try:
        return sandbox.from_string(source)
    except TemplateSyntaxError as error:
        raise InvalidTemplate(f"line {error.lineno} of the template: {error.message}") from None


def _render(template: Template, document: TemplateData) -> str:
    try:
        return _run(template, document).strip()
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
        line = _line_of(error)
        where = f"line {line} of the template, " if line else ""
        text = str(error) or type(error).__name__
        raise InvalidTemplate(
            f"{where}{_describe(document)}: {text}; docs/webhook.schema.json lists the fields of each kind"
        ) from None


def _run(template: Template, document: TemplateData) -> str:
    """Render a template step by step. Raises SecurityError if it takes too many steps or its output is too long."""
    steps = 0

    def count(frame: FrameType, event: str, value: Any) -> _Tracer:
        nonlocal steps
        steps += event == "line"
        if steps > _STEP_LIMIT:
            raise SecurityError(f"it takes more than {_STEP_LIMIT:,} steps: shorten its loops")
        return count

    output, size, tracer = list[str](), 0, sys.gettrace()
    # Without a function call, only a trace function can interrupt a loop.
    sys.settrace(count)
    try:
        for piece in template.generate(document):
            output.append(piece)
            size += len(piece)
            if size > _OUTPUT_LIMIT:
                raise SecurityError(f"the output is longer than {_OUTPUT_LIMIT:,} characters")
    finally:
        sys.settrace(tracer)
    return "".join(output)


def _with_hostile_texts(value: Any, field: str = "") -> Any:
    """Return a sample with characters in each text that end a JSON string unless they are escaped."""
    match value:
        case str() if field not in _SAFE_FIELDS:
            return f"{_HOSTILE}{value}{_HOSTILE}"
        case list():
            return [_with_hostile_texts(item, field) for item in value]
        case dict():
            return {name: _with_hostile_texts(item, name) for name, item in value.items()}
        case _:
            return value


def _find_keys(output: str) -> Any:
    """Return all keys of a JSON document, also repeated ones, in its form and without its values."""

    def without_values(value: Any) -> Any:
        return value if isinstance(value, tuple) else list(map(without_values, value)) if isinstance(value, list) else 0

    return without_values(
        json.loads(
            output or "null",
            object_pairs_hook=lambda pairs: tuple((name, without_values(value)) for name, value in pairs),
        )
    )


def _to_json(value: object) -> str:
    # The text of an undefined value raises UndefinedError, which names it.
    return str(value) if isinstance(value, Undefined) else json.dumps(value, ensure_ascii=False)


def _to_epoch(value: str) -> float:
    """Return the seconds since 1970 of one of the document's times."""
    return datetime.fromisoformat(value).timestamp()


def _line_of(error: BaseException) -> int | None:
    """Return the line of the template at which an error was raised. Jinja rewrites the traceback to the template."""
    line, traceback = None, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _describe(document: TemplateData) -> str:
    reason = f" ({document['reason']})" if document.get("reason") else ""
    return f"with a message of kind {document['kind']}{reason}"


@cache
def load_samples() -> tuple[TemplateData, ...]:
    """Return a document of every kind of message."""
    return tuple(json.loads(_SAMPLES.read_text()))
