"""Find what a feed repeats in many of its items: "Subscribe to our channel", "The post … appeared first on …".

Learned from the feed's own items, so it works in any language and anywhere in the text. In real feeds such sentences
made articles about different events look like copies, rules matched on them, and messages quoted them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

#: A sentence that was in this many other items is boilerplate.
REPEATS = 3
#: Maximum sentences remembered for a feed: seen in one item, and seen in several. Each takes 9 characters of its state.
_SEEN_ONCE, _SEEN_AGAIN = 512, 256
#: Maximum sentences learned from one item: a long page must not push out all earlier ones.
_TAUGHT = 160
#: Shorter sentences repeat by chance: "Nobody was hurt."
_FEWEST_WORDS = 4
_DIGEST_BYTES = 6
#: Length of a digest in base64, and of the count that follows it.
_KEY, _COUNT = 8, 1

_WORD = re.compile(r"\w+")
_END_OF_SENTENCE = re.compile(
    # Not behind "Mr." and "J.", which would cut a sentence in two.
    r"[.!?…](?<!\b[A-Z]\.)(?<!\b[A-Z][rst]\.)(?<!\b(?:Mrs|Gen|Sen|Rep|Gov)\.)[\"'”’»)\]]?\s++|[。！？।۔]\s*|\n+"
)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text without the sentences that its feed repeats."""

    text: str
    #: The removed sentences, in order.
    left_out: tuple[str, ...] = ()


def learn(texts: Sequence[str], memory: str) -> str:
    """Return the memory of a feed after new items with these texts; ``memory`` is empty at first."""
    counts = _load(memory)
    for text in texts:
        keys = {key: None for _, _, key in islice(_sentences(text), _TAUGHT)}
        for key in keys:
            # Removed first, so that the sentence seen last becomes the last.
            counts[key] = min(counts.pop(key, 0) + 1, REPEATS + 1)
    return _dump(counts)


def strip(text: str, memory: str) -> Stripped:
    """Return the text of an item, which ``memory`` has learned, without its feed's boilerplate."""
    boilerplate = _repeated(memory)
    repeated = [(start, end) for start, end, key in _sentences(text) if key in boilerplate] if boilerplate else []
    if not repeated:
        return Stripped(text)
    kept, at = [], 0
    for start, end in repeated:
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return Stripped("".join(kept).strip(), tuple(text[start:end].strip() for start, end in repeated))


@lru_cache(maxsize=1)  # All items of a feed are stripped one after the other.
def _repeated(memory: str) -> frozenset[str]:
    return frozenset(key for key, count in _load(memory).items() if count > REPEATS)


def _sentences(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end (with the white space behind) and key of each sentence that is long enough to be boilerplate."""
    at = 0
    for stop in (*_END_OF_SENTENCE.finditer(text), None):
        end = stop.end() if stop else len(text)
        words = _WORD.findall(text[at:end].casefold())
        if len(words) >= _FEWEST_WORDS or _is_one_run(words):
            digest = hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()
            yield at, end, base64.urlsafe_b64encode(digest).decode()
        at = end


def _is_one_run(words: Sequence[str]) -> bool:
    """Return whether a sentence is one or two long runs, as in scripts without spaces."""
    return any(len(word) >= 2 * _FEWEST_WORDS and ord(word[0]) > 0x0E00 for word in words)


def _load(memory: str) -> dict[str, int]:
    step = _KEY + _COUNT
    return {memory[at : at + _KEY]: int(memory[at + _KEY]) for at in range(0, len(memory) - step + 1, step)}


def _dump(counts: dict[str, int]) -> str:
    once = [(key, count) for key, count in counts.items() if count == 1][-_SEEN_ONCE:]
    several = [(key, count) for key, count in counts.items() if count > 1][-_SEEN_AGAIN:]
    return "".join(f"{key}{count}" for key, count in once + several)
