"""What a feed repeats under every item is no text: "Subscribe to our channel", "The post … appeared first on …".

Learned from the feed's own items, so in any language. On real feeds such footers made articles of different events
look like copies of one, and rules match on words that are under everything.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

#: A sentence that was in so many other items is boilerplate.
REPEATS = 3
#: Sentences remembered of a feed, in characters of its state: some 25 items. What is still repeated stays.
_REMEMBERED = 128
#: Sentences looked at, from the head and from the end of a text: there stand credits, and there stand footers.
_HEAD, _END = 2, 5
#: So much of a text is looked at, in characters: a footer is shorter.
_REACH = 2_000
#: Shorter sentences repeat by chance: "Nobody was hurt."
_FEWEST_WORDS = 4
_DIGEST_BYTES = 6
#: Of a digest in base64, and the count after it.
_KEY, _COUNT = 8, 1

_WORD = re.compile(r"\w+")
_END_OF_SENTENCE = re.compile(r"[.!?…][\"'”’»)\]]?\s++|[。！？।۔]\s*|\n+")


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text without what its feed repeats."""

    text: str
    #: The sentences that were left out, in their order.
    left_out: tuple[str, ...] = ()


def learn(texts: Sequence[str], memory: str) -> str:
    """What is remembered of a feed after its new items with these texts.

    ``memory`` is what the call before gave, empty at first.
    """
    counts = _load(memory)
    for text in texts:
        for key in {_key(text[start:end]) for start, end in _sentences(text)} - {""}:
            # Taken out first, so that what was seen last is last.
            counts[key] = min(counts.pop(key, 0) + 1, REPEATS + 1)
    return _dump(counts)


def strip(text: str, memory: str) -> Stripped:
    """The text of one of the feed's items, which ``memory`` has learnt, without the feed's boilerplate."""
    known = _repeated(memory)
    if not known:
        return Stripped(text)
    return _without(text, [(start, end) for start, end in _sentences(text) if _key(text[start:end]) in known])


@lru_cache(maxsize=1)  # All items of a feed are asked about one after the other.
def _repeated(memory: str) -> frozenset[str]:
    return frozenset(key for key, count in _load(memory).items() if count > REPEATS)


def _without(text: str, repeated: Sequence[tuple[int, int]]) -> Stripped:
    if not repeated:
        return Stripped(text)
    kept, at = [], 0
    for start, end in repeated:
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return Stripped("".join(kept).strip(), tuple(text[start:end].strip() for start, end in repeated))


def _sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the first and the last sentences, with the white space behind them; of a long text only its ends."""
    if len(text) <= 2 * _REACH:
        spans = _split(text, 0, len(text))
        return spans if len(spans) <= _HEAD + _END else spans[:_HEAD] + spans[-_END:]
    tail = _split(text, len(text) - _REACH, len(text))
    # The first of the tail begins somewhere inside a sentence.
    return _split(text, 0, _REACH)[:_HEAD] + tail[1:][-_END:]


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans, at = [], start
    for stop in _END_OF_SENTENCE.finditer(text, start, end):
        spans.append((at, stop.end()))
        at = stop.end()
    if at < end:
        spans.append((at, end))
    return spans


def _key(sentence: str) -> str:
    """A short digest of the words; empty for a sentence that is too short to be boilerplate."""
    words = _WORD.findall(sentence.casefold())
    if len(words) < _FEWEST_WORDS and not _is_one_run(words):
        return ""
    digest = hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(digest).decode()


def _is_one_run(words: Sequence[str]) -> bool:
    """Scripts without spaces: a sentence is one or two long runs."""
    return any(len(word) >= 2 * _FEWEST_WORDS and ord(word[0]) > 0x0E00 for word in words)


def _load(memory: str) -> dict[str, int]:
    step = _KEY + _COUNT
    return {memory[at : at + _KEY]: int(memory[at + _KEY]) for at in range(0, len(memory) - step + 1, step)}


def _dump(counts: dict[str, int]) -> str:
    kept = list(counts.items())[-_REMEMBERED:]
    return "".join(f"{key}{count}" for key, count in kept)
