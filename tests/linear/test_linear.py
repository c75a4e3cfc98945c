"""No text of strangers takes longer than its length: every expression, function and reader, on texts made to be slow.

Nothing is listed by name here. What is new in ``bot`` is found by itself; what fails is mended where it is.
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Callable, Iterator
from re import _compiler  # type: ignore[attr-defined]
from typing import Any

import pytest

from bot.config import opml
from bot.feeds import kinds
from bot.model.errors import ReadError
from bot.model.fetching import Body
from tests.linear import called, compiled, documents, families, growth

#: Parts of the texts of each expression, or of all functions: `make test` takes the first part, `test-long` all.
_SHARDS = 16
_EACH_SHARD = [0, *(pytest.param(shard, marks=pytest.mark.long) for shard in range(1, _SHARDS))]
#: Texts shown of each slow expression.
_ENOUGH = 3


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shard", _EACH_SHARD)
def test_every_regular_expression_takes_time_in_proportion_to_its_text(shard: int) -> None:
    patterns, _ = compiled.patterns()
    slow = [line for pattern in patterns for line in itertools.islice(_slow_inputs(pattern, shard, _SHARDS), _ENOUGH)]
    assert not slow, "\n".join(slow)


def test_every_regular_expression_is_known_before_the_program_runs() -> None:
    _, unknown = compiled.patterns()
    assert not unknown, "a pattern is written where it is compiled, so that this test can read it"


@pytest.mark.parametrize(
    "source",
    ["from re import search", "import re as regex", "import regex", "partial(re.sub, '(a+)+b')", "f = re.compile"],
)
def test_no_module_hides_a_pattern_from_this_test(source: str) -> None:
    assert list(compiled.hidden(ast.parse(source))) == [1]
    assert not list(compiled.hidden(ast.parse("import re\nre.sub('a', 'b', text, flags=re.ASCII)")))


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shard", _EACH_SHARD)
def test_every_function_of_texts_takes_time_in_proportion_to_them(shard: int) -> None:
    slow = [line for function in [*called.functions()][shard::_SHARDS] for line in _slow_pieces(function, called.FEW)]
    assert not slow, "\n".join(slow)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.long] if at else []) for at, kind in enumerate(documents.SHELLS)]
)
def test_every_document_takes_time_in_proportion_to_its_length(kind: str) -> None:
    slow = list(_slow_documents(kind, documents.PIECES[::3]))
    assert not slow, "\n".join(slow)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_no_piece_is_slow_in_any_function_or_document() -> None:
    slow = [line for function in called.functions() for line in _slow_pieces(function, called.PIECES)]
    slow += [line for kind in documents.SHELLS for line in _slow_documents(kind, documents.PIECES)]
    assert not slow, "\n".join(slow)


@pytest.mark.parametrize(
    ("pattern", "is_slow"),
    [
        (r"(a|a)*b", True),
        (r"<!--.*?-->", True),
        (r"href=\s*[\"']?\s*(?![\"'\s]*\w+:)[^\s]", True),
        (r"(?<!\s)\s++$", False),
        (r"\w{1,20}@", False),
        (r"<[^<>]*>", False),
    ],
)
def test_the_search_finds_what_is_slow_and_nothing_else(pattern: str, is_slow: bool) -> None:
    found = compiled.Found(re.compile(pattern), "here", {"search"})
    assert (next(_slow_inputs(found), None) is not None) is is_slow


def test_no_text_of_a_stranger_is_a_template_of_a_substitution() -> None:
    """In a template \\1 is a group and \\q an error; what a function returns is put in as it is."""
    unsafe = [
        place for module in compiled.strangers() for place in _templates(compiled.tree_of(module), module.__name__)
    ]
    assert not unsafe, "the replacement is a constant or a function"


def _slow_inputs(found: compiled.Found, shard: int = 0, shards: int = 1) -> Iterator[str]:
    is_bytes = isinstance(found.pattern.pattern, bytes)
    for tree in families.branches(found.pattern):
        # An alternation takes the time of all its branches; each alone tells more quickly which is slow.
        branch = _compiler.compile(tree, found.pattern.flags)
        for lead, body, end in families.inputs(tree)[shard::shards]:

            def text_of(size: int, lead: str = lead, body: str = body, end: str = end) -> Any:
                text = lead + body * max(1, (size - len(lead) - len(end)) // len(body)) + end
                return text.encode("latin-1", "replace") if is_bytes else text

            if growth.measured(_use(branch, found.methods), text_of).is_steep:
                grown = growth.measured(_use(found.pattern, found.methods), text_of)
                if grown.is_steep:
                    yield f"{found.where}: {lead!r} + {body!r} * n + {end!r}: {grown}"


def _use(pattern: re.Pattern[Any], methods: set[str]) -> Callable[[Any], object]:
    """As the program uses it: at one place, from one match to the next, up to the first, or everywhere."""
    if methods & {"finditer", "findall", "sub", "subn", "split"}:
        return lambda text: sum(1 for _ in pattern.finditer(text))
    if "search" in methods:
        return pattern.search
    if "chain" in methods:
        return lambda text: _chained(pattern, text)
    return pattern.fullmatch if methods == {"fullmatch"} else pattern.match


def _chained(pattern: re.Pattern[Any], text: Any) -> None:
    at = 0
    while (match := pattern.match(text, at)) and match.end() > at:
        at = match.end()


def _slow_pieces(function: called.Called, pieces: tuple[str, ...]) -> Iterator[str]:
    for piece in dict.fromkeys((*pieces, *function.pieces)):
        grown = growth.measured(function, functools.partial(_repeated, piece), sizes=(128, 1_024, 8_192))
        if grown.is_steep:
            yield f"{function.name}: {piece!r} * n: {grown}"


def _repeated(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def _filled(shell: str, hole: int, piece: str, size: int) -> bytes:
    return documents.filled(shell, hole, piece * (size // len(piece)))


def _slow_documents(kind: str, pieces: tuple[str, ...]) -> Iterator[str]:
    shell = documents.SHELLS[kind]
    for hole in range(documents.holes(shell)):
        for piece in pieces:
            read = _read_opml if kind == "opml" else _read
            text_of = functools.partial(_filled, shell, hole, piece)
            grown = growth.measured(read, text_of, sizes=(128, 1_024, 8_192))
            if grown.is_steep:
                yield f"{kind}, hole {hole}: {piece!r} * n: {grown}"


def _read(content: bytes) -> None:
    try:
        kinds.parse_document(Body(content=content, content_type="", url="http://feeds.example/"))
    except ReadError:
        return


def _read_opml(content: bytes) -> None:
    opml.read_opml(content)


def _templates(tree: ast.Module, module: str) -> Iterator[str]:
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    constants = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("sub", "subn")
        ):
            continue
        is_module = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
        template = node.args[1 if is_module else 0] if len(node.args) > is_module else None
        if isinstance(template, ast.JoinedStr):
            names = [part.value for part in template.values if isinstance(part, ast.FormattedValue)]
            is_safe = all(isinstance(name, ast.Name) and name.id.isupper() for name in names)
        elif isinstance(template, ast.Name):
            is_safe = template.id in functions | constants
        else:
            is_safe = isinstance(template, (ast.Constant, ast.Lambda, ast.Attribute))
        if not is_safe:
            yield f"{module}:{node.lineno}"
