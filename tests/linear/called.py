"""Functions that take nothing but text, found by their signatures, and the texts that they are given.

A function is found where it stands in a module that does no input or output. Its texts repeat the strings that its own
module names, and pieces that have held a reader before.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from bot.feeds.cleaning import clean
from bot.feeds.kit import fields
from bot.model.fetching import Body
from bot.model.stories import Article, ArticleId
from tests.linear import compiled

#: Floors whose functions only compute, and the edges that take documents apart.
_PURE = tuple(f"bot.{name}." for name in "alerts channels config.feed_list feeds fetch rules stories text".split())
_TEXTS = {"str", "str | None", "bytes", "list[str]", "Sequence[str]", "Body", "Article"}
#: Alone, joined and unclosed; what ends words, sentences, lines, tags, addresses and values.
PIECES = (
    "a", " ", "\n", "a ", "A", "Aa ", "0", "0,", "1.", ".", "...", "…", "-", "- ", "a-", "'", "'s ", '"', "“a", "(",
    "[", "{", "|", ": ", "=", "é", "中", "e\u0301", "ก\u200b", "\u200d", "<", "<a ", "<b>", "<div>", "</p>", "<br>",
    "<!--", "<![CDATA[", "<?", "&", "&amp;", "&#1;", "http://", "https://a.b/", "a.", "a@", "?a=", "%41", "/../",
    "a. B ", "\n\n", "30 November ", "5 million ", "said it ",
)  # fmt: skip
#: Pieces for every function; the test that runs long takes all.
FEW = PIECES[::2]


@dataclass(frozen=True, slots=True)
class Called:
    name: str
    function: Callable[..., object]
    kinds: tuple[str, ...]
    pieces: tuple[str, ...]

    def __call__(self, text: str) -> None:
        """With the text for each parameter, the others a little different, whatever the function thinks of it."""
        arguments = [_as(kind, text if not place else text[1:] + "b") for place, kind in enumerate(self.kinds)]
        try:
            result = self.function(*arguments)
            if inspect.isgenerator(result):
                for _ in result:
                    pass
        except Exception:  # noqa: BLE001  # bad text may be refused in any way here; how long that takes is what counts
            return


def functions() -> Iterator[Called]:
    for module in compiled.strangers():
        if not f"{module.__name__}.".startswith(_PURE):
            continue
        named = _named_in(module)
        for name, value in tuple(vars(module).items()):
            function: Any = inspect.unwrap(value) if callable(value) else None
            if not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                continue
            needed = [
                parameter
                for parameter in inspect.signature(function).parameters.values()
                if parameter.default is parameter.empty
            ]
            kinds = tuple(str(parameter.annotation) for parameter in needed)
            if (
                needed
                and set(kinds) <= _TEXTS
                and not any(parameter.kind is parameter.KEYWORD_ONLY for parameter in needed)
            ):
                # The function itself, not what a cache remembers of it.
                yield Called(f"{module.__name__}.{name}", function, kinds, named)


def _as(kind: str, text: str) -> object:
    if kind == "bytes":
        return text.encode("utf-8", "replace")
    if kind in ("list[str]", "Sequence[str]"):
        return text.split() or [text]
    if kind.endswith("Body"):
        return Body(content=text.encode("utf-8", "replace"), url="http://feeds.example/", content_type="")
    if kind.endswith("Article"):
        return _article(text)
    return text


def _article(text: str) -> Article:
    return Article(
        id=ArticleId("one"),
        feed="http://feeds.example/",
        outlet="Example",
        owner="example",
        link="http://feeds.example/1",
        # As long as titles may be, and as a text is once it is clean.
        title=text[: fields.MAX_TITLE],
        text=clean(text).text,
        first_seen=datetime(2026, 1, 1, tzinfo=UTC),
        fingerprint=str(len(text)),
    )


def _named_in(module: ModuleType) -> tuple[str, ...]:
    """Short strings that the module's code looks for: not its texts for people, nor its patterns."""
    names: dict[str, None] = {}
    for node in ast.walk(compiled.tree_of(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            for argument in node.args:
                for inner in ast.walk(argument):
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and 0 < len(inner.value) <= 12:
                        names[inner.value] = None
    return tuple(names)[:12]
