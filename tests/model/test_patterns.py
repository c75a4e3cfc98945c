"""Patterns that are compiled at their first use."""

from __future__ import annotations

import re

from bot.patterns import LazyPattern


def test_a_pattern_works_like_a_compiled_one() -> None:
    lazy, compiled = LazyPattern(r"(\d)x", re.IGNORECASE), re.compile(r"(\d)x", re.IGNORECASE)
    text = "1X, 2x, 3"
    assert [match.span() for match in lazy.finditer(text)] == [match.span() for match in compiled.finditer(text)]
    assert [str(lazy.search(text, 1)), str(lazy.match(text)), str(lazy.fullmatch("1x"))] == [
        str(compiled.search(text, 1)),
        str(compiled.match(text)),
        str(compiled.fullmatch("1x")),
    ]
    assert (lazy.findall(text), lazy.split(text)) == (compiled.findall(text), compiled.split(text))
    assert (lazy.sub("-", text), lazy.subn("-", text, count=1)) == ("-, -, 3", ("-, 2x, 3", 1))


def test_a_pattern_of_bytes_searches_bytes() -> None:
    assert LazyPattern(rb"<\?xml").sub(b"", b"<?xml?>") == b"?>"
