"""The time that a text takes grows with its length and not faster."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable, Iterator, Sized
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from types import ModuleType
from typing import Any, TypeVar

import pytest

import bot
from bot.config import nodes
from bot.feeds.kit import fields
from bot.fetch import fulltext
from bot.stories.facts import corrections
from tests.hostile.doors import DOORS, Door
from tests.stories.examples import article

T = TypeVar("T", bound=Sized)

#: Lengths, each eight times the previous one. The first are short, so that an exponential expression ends.
SIZES = (3, 24, 192, 1_536, 12_288)
#: Shorter times are not compared: the clock is coarse and the machine busy.
FLOOR_S = 0.01
#: A text eight times as long may take this many times as long: linear time gives 8, quadratic time 64.
STEEP = 30
#: Modules whose text comes from the operator alone.
OPERATOR = ("bot.cli", "bot.config", "bot.keys", "bot.storage")
#: Repeated alone and in pairs: ends of words, sentences, lines, tags, addresses and values.
PIECES = (
    "a", " ", "\n", "A", "0", "0,", "1.", ".", "…", "-", "'", "'s ", '"', "“", "(", "[", "{", "|", ": ", "=", "é", "中",
    "e\u0301", "\u200d", "<", "<a ", "</p>", "<!--", "<![CDATA[", "&", "&amp;", "http://", "a@", "?a=", "%41", "/../",
    "a. B ", "30 November ", "5 million ", "said it ", "a b ", "Aa Bb ", "ก\u200b",
)  # fmt: skip


def best_time(call: Callable[[T], object], argument: T) -> float:
    seconds = []
    for _ in range(3):
        started = time.process_time()
        call(argument)
        seconds.append(time.process_time() - started)
        if seconds[-1] < FLOOR_S:
            break
    return min(seconds)


def find_growth(call: Callable[[T], object], text_of: Callable[[int], T]) -> str | None:
    """Return a description of growth faster than linear, or None. Stops before a text that would take minutes."""
    for shorter, longer in pairwise(SIZES):
        seconds = best_time(call, text_of(longer))
        if seconds < FLOOR_S:
            continue
        before = max(best_time(call, text_of(shorter)), FLOOR_S / 200)
        # A cost that begins at some length looks steep once; then twice the text takes twice as long.
        if seconds > STEEP * before and (longer < 100 or best_time(call, text_of(2 * longer)) > 3 * seconds):
            return f"{seconds:.3f} s for {longer:,} characters, {seconds / before:.0f} times as long as for an eighth"
    return None


def repeat(piece: str, size: int, end: str = "") -> str:
    return piece * (size // len(piece)) + end


def modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(bot.__path__, prefix="bot."):
        if not module.name.startswith(OPERATOR) and not module.name.endswith("__main__"):
            yield importlib.import_module(module.name)


def functions() -> dict[str, Callable[..., object]]:
    """Return each function that needs text and nothing else, without the cache around it."""
    by_name: dict[str, Callable[..., object]] = {}
    for module in modules():
        for name, value in vars(module).items():
            function: Any = inspect.unwrap(value) if callable(value) else None
            if not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                continue
            parameters = inspect.signature(function).parameters.values()
            needed = [parameter for parameter in parameters if parameter.default is parameter.empty]
            if needed and all(str(p.annotation) == "str" and p.kind is not p.KEYWORD_ONLY for p in needed):
                by_name[f"{module.__name__}.{name}"] = partial(call_with_texts, function, len(needed))
    return by_name


def call_with_texts(function: Callable[..., object], count: int, text: str) -> None:
    """Call with as many texts as are needed, each a little different; a refusal is as good as an answer."""
    try:
        result = function(*(text if number == 0 else text[1:] + "b" for number in range(count)))
        if inspect.isgenerator(result):
            for _ in result:
                pass
    except Exception:  # noqa: BLE001 -- only the time counts here
        return


def read(door: Door, data: bytes) -> None:
    try:
        door.run(data)
    except AssertionError:
        return


def fill(seed: bytes, at: int, word: bytes, size: int) -> bytes:
    return seed[:at] + word * (size // len(word) + 1) + seed[at:]


def steep_texts(call: Callable[[str], object]) -> Iterator[str]:
    for piece in PIECES:
        # An end that fits nowhere makes a pattern that failed try again.
        growth = find_growth(call, partial(repeat, piece, end="!"))
        if growth:
            yield f"{piece!r} * n: {growth}"


def steep_documents(door: Door) -> Iterator[str]:
    for seed in door.seeds:
        for at in (0, len(seed) // 3, len(seed) * 2 // 3, len(seed)):
            for word in filter(None, door.words):
                growth = find_growth(partial(read, door), partial(fill, seed, at, word))
                if growth:
                    yield f"{word!r} * n at byte {at}: {growth}"


def test_steep_growth_is_recognised() -> None:
    piece = partial(repeat, "a")
    assert find_growth(lambda text: [letter for _ in text for letter in text], piece)
    assert not find_growth(lambda text: [letter.upper() for letter in text], piece)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore")
def test_every_function_of_text_takes_time_in_proportion_to_it() -> None:
    steep = [f"{name}: {line}" for name, call in functions().items() for line in steep_texts(call)]
    assert steep == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", DOORS)
def test_every_door_takes_time_in_proportion_to_its_document(name: str) -> None:
    assert list(steep_documents(DOORS[name])) == []


def compare(before: str, after: str) -> None:
    corrections(*(article("A court ruled", text) for text in (before, after)))


def parse_robots(lines: str) -> None:
    rules = fulltext._parse_robots(lines.encode())
    fulltext.Robots(until=datetime(2026, 1, 1, tzinfo=UTC), rules=rules).allows("http://a.example/" + "a" * 1_900)


#: Each once took seconds to hours for a few kilobytes.
KNOWN_ATTACKS: dict[str, Callable[[int], object]] = {
    "spaces after a link's attribute": lambda n: fields.resolve_links(f"<a href={' ' * n}>x</a>", "https://a.example/"),
    "an article of two words, and of three": lambda n: compare("a " * (n // 2), "a b " * (n // 4)),
    "sentences that differ in a word": lambda n: compare("a a a a. " * (n // 9), "a b a a. " * (n // 9)),
    "dots": lambda n: compare("The court ruled" + "." * n + "x", "The court ruled against" + "." * n + "x"),
    "names that change places": lambda n: compare("Aa Bb " * (n // 6), "Bb Aa " * (n // 6)),
    "names of robots": lambda n: parse_robots("".join(f"user-agent: {m:x}\n" for m in range(n // 8)) + "disallow: /\n"),
    "wildcards of robots": lambda n: parse_robots("user-agent: *\n" + "disallow: /*aaaaaab*\n" * (n // 8)),
    "a key that is repeated": lambda n: nodes.parse_yaml("rules: []\n" + "x: 1\n" * (n // 6)),
}


@pytest.mark.parametrize("name", KNOWN_ATTACKS)
def test_a_known_attack_takes_time_in_proportion_to_its_length(name: str) -> None:
    assert find_growth(lambda text: KNOWN_ATTACKS[name](len(text)), lambda size: " " * size) is None
