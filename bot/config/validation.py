"""Validate a node with a pydantic model, and report each error in plain words at its position in the file.

People who edit a configuration need not know Python types or schema paths.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import pydantic
from pydantic_core import ErrorDetails

from bot import keys
from bot.config import blocks, nodes
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode
from bot.config.problems import ProblemReport
from bot.config.settings import BotSettings
from bot.keys import InvalidValue

_Path: TypeAlias = tuple[str | int, ...]
#: Maximum number of errors of one rule, channel or feed. Further errors are usually copies of one mistake.
_MAX_ERRORS = 100
Shape = TypeVar("Shape")


def to_plain(node: Node) -> object:
    """Return a node as lists, dicts and strings. An empty unquoted value becomes None."""
    match node:
        case ScalarNode():
            return None if not node.value and not node.style else node.value
        case MappingNode():
            return {key.value: to_plain(value) for key, value in node.pairs}
        case _:
            return [to_plain(item) for item in node.items]


def find_list(
    report: ProblemReport, name: str, *, form: blocks.Block, example: str, other_keys: tuple[str, ...] = ()
) -> list[Node] | None:
    """Return the items of the list under the key ``name``, or None if there is no list (the error is in the report).

    ``form`` is the block of keys of an item, ``example`` is the beginning of an item.
    """
    root = report.document.root
    if isinstance(root, SequenceNode):
        place = (root.start, root.start + 1)
        report.add(place, "missing-key", "the list has no key", f"write {name}: on the line above")
        return None
    valid_keys = (*other_keys, name)
    for key, _ in nodes.pairs_of(root):
        if key.value not in valid_keys:
            help_text = keys.did_you_mean(key.value, valid_keys, otherwise=f"valid keys here: {', '.join(valid_keys)}")
            if key.value in blocks.types_of(BotSettings):
                help_text = f"{key.value} belongs in bot.yaml"
            elif advice := BotSettings.ADVICE.get(key.value):
                help_text = advice
            if key.value in blocks.types_of(form):
                help_text = f"keys of a {name.removesuffix('s')} belong under {name}:, after a dash"
            report.add(key, "unknown-key", f'unknown key "{keys.shorten(key.value)}"', help_text)
    items = nodes.value_of(root, name)
    if isinstance(items, SequenceNode):
        return items.items
    if items is None:
        if not report.error_count:
            help_text = f"write {name}: and, on the next line, {example}"
            start = root.start if root else 0
            report.add((start, start + 1), "missing-key", f'the key "{name}" is missing', help_text)
        return None
    if _is_empty(items):
        return []
    help_text = f"begin each with a dash: {example}"
    report.add((items.start, items.start + 1), "wrong-kind", f"a list of {name} is expected here", help_text)
    return None


_ADAPTERS: dict[object, pydantic.TypeAdapter[Any]] = {}


def _adapter(shape: type[Shape]) -> pydantic.TypeAdapter[Shape]:
    if shape not in _ADAPTERS:
        _ADAPTERS[shape] = pydantic.TypeAdapter(shape)
    return _ADAPTERS[shape]


def validate(
    shape: type[Shape],
    node: Node,
    report: ProblemReport,
    *,
    whole: ScalarNode | None = None,
    zone: ZoneInfo | None = None,
    other_keys: Collection[str] = (),
    bad_keys: set[str] | None = None,
    defaults: Mapping[str, object] | None = None,
) -> Shape | None:
    """Validate the node as ``shape``; return None if it has errors (they are in the report).

    ``whole`` is the name of the node, at which errors of the whole node are reported. ``other_keys`` are valid keys
    that are not part of ``shape``, for advice. The keys of the node that have an error are added to ``bad_keys``.
    ``defaults`` are values for keys that the node does not have.
    """
    bad_keys = set() if bad_keys is None else bad_keys
    empty = dict(_find_empty_keys(node))
    for key in empty.values():
        _report_empty(key, report)
    bad_keys.update(str(path[0]) for path in empty)
    try:
        plain = to_plain(node)
        plain = {**(defaults or {}), **plain} if isinstance(plain, dict) else plain
        checked = _adapter(shape).validate_python(plain, context=zone)
    except pydantic.ValidationError as error:
        errors = error.errors(include_url=False)
        missing = frozenset(_path_of(details) for details in errors if details["type"] == "missing")
        misspelt = {
            (*_path_of(details)[:-1], _guess_key(details, shape, missing, other_keys))
            for details in errors
            if details["type"] in _UNKNOWN_KEY
        }
        for details in errors[:_MAX_ERRORS]:
            path = _path_of(details)
            if details["type"] == "missing" and path in misspelt:
                continue
            bad_keys.update(str(step) for step in path[:1])
            if not path and empty:
                continue
            if not path and whole is not None:
                problem = _describe_error(details, shape, missing, other_keys)
                report.add(whole, "block", f'"{whole.value}": {problem}', problem.help)
            elif path not in empty:
                _report_error(_describe_error(details, shape, missing, other_keys), path, node, report)
        return None
    return None if empty else checked


def _find_empty_keys(node: Node, path: _Path = ()) -> Iterator[tuple[_Path, ScalarNode]]:
    """Yield the keys that have no value."""
    match node:
        case MappingNode():
            for key, value in node.pairs:
                if _is_empty(value):
                    yield (*path, key.value), key
                else:
                    yield from _find_empty_keys(value, (*path, key.value))
        case SequenceNode():
            for index, item in enumerate(node.items):
                yield from _find_empty_keys(item, (*path, index))


def _report_empty(key: ScalarNode, report: ProblemReport) -> None:
    if lost := _lost_comment(report, key.end):
        message = "a # after a space begins a comment, so the value is missing"
        report.add(key, "comment-in-value", message, f'quote it: "{lost}"')
    elif report.document.text[key.end : key.end + 1] in ("}", ","):
        is_alone = report.document.text[key.start - 1 : key.end + 1] == f"{{{key.value}}}"
        message = f"braces without quotes hold keys, so {keys.shorten(key.value)} is read as a key without a value"
        advice = f'if this is a term, quote it: "{{{key.value}}}"' if is_alone else "quote text that has braces"
        report.add(key, "quote-needed", message, advice)
    else:
        report.add(key, "no-value", "no value", "write one after the colon, or remove the key")


def _path_of(details: ErrorDetails) -> _Path:
    """Return the keys and indices that lead to the error, without the steps that pydantic adds."""
    return tuple(step for step in details["loc"] if not _is_of_pydantic(step))


def _is_of_pydantic(step: str | int) -> bool:
    return isinstance(step, str) and (
        step.startswith("function-") or ("[" in step and step.endswith("]") and "(" in step)
    )


def _report_error(problem: InvalidValue, path: _Path, node: Node, report: ProblemReport) -> None:
    """Report a problem at its value, or at the key if the key is wrong or has no value."""
    is_missing = problem.code == "missing-key"
    target, key = nodes.find_node(node, path[:-1] if is_missing else path)
    if is_missing and isinstance(target, MappingNode) and target.pairs:
        start, end = target.head.start, target.head.end
    elif key is not None and (problem.code == "unknown-key" or _is_empty(target)):
        start, end = key.start, key.end
    else:
        start, end = target.start, _first_stretch(target)
    # A block with a key that has no value is already reported at that key.
    is_reported = problem.code == "colon-in-value" and any(_find_empty_keys(target))
    if not is_reported and not report.has_flaw_in(target):
        report.add((start, end), problem.code, str(problem), problem.help)


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not node.value and not node.style


def _first_stretch(node: Node) -> int:
    """Return the offset at which the underline ends. For a block, this is the end of its first key."""
    match node:
        case MappingNode() if not node.is_flow and node.pairs:
            return node.pairs[0][0].end
        case SequenceNode() if not node.is_flow:
            return node.start + 1
        case _:
            return max(node.end, node.start + 1)


def _lost_comment(report: ProblemReport, after_key: int) -> str | None:
    """Return the comment after a key if the file has a comment instead of a value, or None."""
    text = report.document.text
    end = text.find("\n", after_key)
    comment = text[after_key : len(text) if end < 0 else end].lstrip(": \t")
    return comment.rstrip(" }\r") if comment.startswith("#") and comment[1:2].strip() else None


def _describe_error(
    details: ErrorDetails, shape: blocks.Block, missing: frozenset[_Path], other_keys: Collection[str]
) -> InvalidValue:
    """Return the problem in plain words. ``missing`` are the paths of all missing keys."""
    kind, context, value = details["type"], details.get("ctx", {}), details.get("input")
    path = _path_of(details)
    name = str(path[-1]) if path else ""
    block = blocks.block_at(shape, path[:-1])
    types_by_key = blocks.types_of(block) if block else {}
    if kind == "value_error":
        error = context["error"]
        if isinstance(error, InvalidValue):
            return error
        message, _, help_text = str(error).partition(": ")
        return InvalidValue("value", message, help_text)
    if kind in _UNKNOWN_KEY:
        guess = _guess_key(details, shape, missing, other_keys)
        valid_keys = [*types_by_key, *(other_keys if len(path) == 1 else ())]
        help_text = f'did you mean "{guess}"?' if guess else "valid keys here: " + ", ".join(valid_keys)
        if block and (advice := blocks.advice_on_key(block, name)):
            help_text = advice
        elif not guess and block is not BotSettings and name in blocks.types_of(BotSettings):
            help_text = f"{name} is a key of the top level of bot.yaml: move it there, to the first column"
        return InvalidValue("unknown-key", f'unknown key "{keys.shorten(name)}"', help_text)
    if kind == "missing":
        example = blocks.example_of(block, name) if block else None
        help_text = f"write {name}: {example}" if example else f"add {name}: with a value"
        return InvalidValue("missing-key", f'the key "{name}" is missing', help_text)
    if value is None:
        return InvalidValue("no-value", "no value", "write one after the colon, or remove the key")
    if kind in ("enum", "literal_error"):
        # The last step of the path is a number if the value is an item of a list.
        steps = path[:-1] if path and isinstance(path[-1], int) else path
        owner = blocks.block_at(shape, steps[:-1])
        form = blocks.types_of(owner).get(str(steps[-1])) if owner and steps else None
        allowed = blocks.choices_of(form) or [str(context.get("expected", "")).replace("'", "")]
        help_text = keys.did_you_mean(str(value), allowed, otherwise="write " + " or ".join(allowed))
        if "," in str(value) and blocks.takes_list(form):
            help_text = f"write a list: [{value}]"
        message = f'"{keys.shorten(str(value))}" is not one of {", ".join(allowed)}'
        return InvalidValue("unknown-value", message, help_text)
    wrong = _describe_type(kind, context, value)
    inner = blocks.inner_block(types_by_key.get(name))
    if str(wrong).startswith("a block of keys") and inner and not isinstance(value, list):
        names = list(blocks.types_of(inner))
        help_text = f"write its keys, indented or in braces: {', '.join(names[:_KEYS_SHOWN])}"
        return InvalidValue(wrong.code, str(wrong), help_text + (", …" if len(names) > _KEYS_SHOWN else ""))
    return wrong


#: Maximum keys that are listed for a block that has a single value.
_KEYS_SHOWN = 6


def _guess_key(
    details: ErrorDetails, shape: blocks.Block, missing: frozenset[_Path], other_keys: Collection[str]
) -> str | None:
    """Return the key that was probably meant, or None. Prefer missing keys and keys that accept the value."""
    path = _path_of(details)
    block = blocks.block_at(shape, path[:-1])
    if block is None:
        return None
    name = str(path[-1])
    if blocks.advice_on_key(block, name):
        return None
    if synonym := blocks.other_words(block).get(name.casefold()):
        return synonym
    if len(path) == 1 and (nearest := keys.find_nearest(name, other_keys)):
        return nearest
    awaited = [str(other[-1]) for other in missing if other[:-1] == path[:-1]]
    if nearest := keys.find_nearest(name, awaited):
        return nearest
    types_by_key = blocks.types_of(block)
    best = keys.find_nearest(name, types_by_key)
    if best is None or not isinstance(details.get("input"), list | dict):
        return best
    return keys.find_nearest(name, [key for key, form in types_by_key.items() if blocks.takes_list(form)]) or best


#: Types of pydantic's errors for an unknown key, in a model and in a dataclass.
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


#: Beginnings of pydantic's error types -> code, message and help of the problem.
_TYPE_ERRORS = {
    ("int_", "float_", "decimal_"): ("number", "a whole number is expected here, not {value}", "write digits only"),
    ("bool_",): ("true-or-false", "true or false is expected here", "write true or false"),
    ("string_type",): ("wrong-kind", "one value is expected here, not {kind}", "write one value, without brackets"),
    ("string_",): ("value", "the value is too long or has a form that cannot be used", ""),
    ("list_type", "tuple_type", "set_type"): ("wrong-kind", "a list is expected here, not {kind}", "write [one, two]"),
    ("model_", "dataclass_", "dict_", "mapping_"): (
        "wrong-kind",
        "a block of keys is expected here, not {kind}",
        "write key: value, indented, or in braces",
    ),
    ("",): ("value", "this value cannot be used here", ""),
}


def _describe_type(error_type: str, context: Mapping[str, Any], value: object) -> InvalidValue:
    if error_type in _BOUNDS:
        words, bound = _BOUNDS[error_type]
        return InvalidValue("number", f"the number must be {words} {context[bound]:,}")
    code, message, help_text = next(text for starts, text in _TYPE_ERRORS.items() if error_type.startswith(starts))
    kind = keys.describe_kind(value)
    shown = f'"{keys.shorten(value)}"' if isinstance(value, str) else kind
    if isinstance(value, list) and "block of keys" in message:
        help_text = "leave the dash out: write key: value, indented, or in braces"
    return InvalidValue(code, message.format(value=shown, kind=kind), help_text)
