"""Measure the main text that the full-text stage extracts from article pages, compared with default trafilatura.

    python -m bench.quality.extraction

Reads the pages of the data set ``articles`` (tests/testbed/shared_data.py). ``zyte`` is the F1 of shingles
of four words with equal weight for each page, as in scrapinghub/article-extraction-benchmark; its README gives 0.958
for trafilatura 2.0.0 on all 181 pages. ``trafilatura`` is the share of required strings in the text, and of unwanted
strings.
"""

from __future__ import annotations

import gzip
import json
import re
import statistics
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import trafilatura

from bot.fetch import fulltext
from tests.testbed import shared_data

Extract = Callable[[bytes], str]
_WORD = re.compile(r"\w+")
_SHINGLE = 4


def main() -> None:
    pages = list(_pages())
    for name, extract in (("wirewatch", _ours), ("trafilatura as it comes", _theirs)):
        begun = time.perf_counter()
        texts = [extract(page) for page, _ in pages]
        seconds = time.perf_counter() - begun
        truths = [truth for _, truth in pages]
        precision, recall, f1 = _shingles(zip(texts, truths, strict=True))
        must, must_not = _strings(zip(texts, truths, strict=True))
        print(f"{name} {trafilatura.__version__}:")
        print(f"  zyte: F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}")
        print(f"  trafilatura: {must:.1%} of what must be there, {must_not:.1%} of what must not")
        print(f"  {len(pages)} pages in {seconds:.1f} s")


def _ours(page: bytes) -> str:
    article = fulltext.main_text(page)
    return article.text if article else ""


def _theirs(page: bytes) -> str:
    return trafilatura.extract(page) or ""


def _pages() -> Iterator[tuple[bytes, dict[str, Any]]]:
    folder = shared_data.path("articles")
    with tarfile.open(folder / "html.tar.xz") as archive:
        files = {member.name.removeprefix("./"): archive.extractfile(member) for member in archive if member.isfile()}
        with gzip.open(folder / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                truth = json.loads(line)
                file = files[truth["file"]]
                assert file is not None
                yield file.read(), truth


def _shingles(results: Iterable[tuple[str, dict[str, Any]]]) -> tuple[float, float, float]:
    counts = [_compared(truth["text"], text) for text, truth in results if "text" in truth]
    true, false, missed = (statistics.fmean(column) for column in zip(*counts, strict=True))
    precision, recall = true / (true + false), true / (true + missed)
    return precision, recall, 2 * precision * recall / (precision + recall)


def _compared(truth: str, found: str) -> tuple[float, float, float]:
    """Shares of shingles found rightly, found wrongly and missed."""
    one, other = _cut(truth), _cut(found)
    true, false, missed = (one & other).total(), (other - one).total(), (one - other).total()
    return true / (all_ := max(1, true + false + missed)), false / all_, missed / all_


def _cut(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    return Counter(tuple(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1)))


def _strings(results: Iterable[tuple[str, dict[str, Any]]]) -> tuple[float, float]:
    wanted: list[bool] = []
    unwanted: list[bool] = []
    for text, truth in results:
        flat = " ".join(text.split())
        wanted += [" ".join(string.split()) in flat for string in truth.get("must_have", ())]
        unwanted += [" ".join(string.split()) in flat for string in truth.get("must_not_have", ())]
    return statistics.fmean(wanted), statistics.fmean(unwanted)


if __name__ == "__main__":
    main()
