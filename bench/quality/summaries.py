"""Measure summaries: ROUGE against editors' summaries, beside that of other methods, and faults on real pages.

ROUGE-1, -2 and -L (F1, stemmed) are those of rouge-score. So that no method gains by length, its whole sentences are
cut to 60 words, the limit of an Inshorts summary; the uncut figures are printed too. TextRank is that of sumy. No rule
matches, so only the position, the weights and the repetition of words affect the choice.

    python -m bench.quality.summaries [--show N]
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from rouge_score import rouge_scorer
from sumy.nlp.stemmers import Stemmer
from sumy.nlp.tokenizers import Tokenizer
from sumy.parsers.plaintext import PlaintextParser
from sumy.summarizers.text_rank import TextRankSummarizer
from sumy.utils import get_stop_words

from bot.model.stories import Article, ArticleId
from bot.stories import summaries
from bot.text import sentences
from tests.testbed import shared_data

DATA = shared_data.ROOT
#: Words to which every way is cut: what an Inshorts summary may have.
WORDS = 60
KINDS = ("rouge1", "rouge2", "rougeL")


def article(title: str, text: str, *, language: str = "en") -> Article:
    return Article(
        id=ArticleId("bench"),
        feed="bench",
        outlet="Bench",
        owner="bench",
        link="https://bench.example/",
        title=title,
        text=text,
        language=language,
        first_seen=datetime(2020, 1, 1, tzinfo=UTC),
        fingerprint="bench",
    )


def lead(count: int) -> Callable[[str, str], list[str]]:
    return lambda title, text: [span.text for span in sentences.split(text, "en")[:count]]


class TextRank:
    """sumy's TextRank over the same sentences: three of them, in the article's order."""

    def __init__(self) -> None:
        self._summarizer = TextRankSummarizer(Stemmer("english"))
        self._summarizer.stop_words = get_stop_words("english")
        self._tokenizer = _Tokenizer()

    def __call__(self, title: str, text: str) -> list[str]:
        document = PlaintextParser.from_string(text, self._tokenizer).document
        return [str(sentence) for sentence in self._summarizer(document, 3)]


class _Tokenizer(Tokenizer):  # type: ignore[misc]  # sumy ships no types
    """The project's own sentences for TextRank too, so that ways differ in choice only; needs no NLTK download."""

    def __init__(self) -> None:
        self._language = "english"

    def to_sentences(self, text: str) -> tuple[str, ...]:
        return tuple(span.text for span in sentences.split(text, "en"))

    def to_words(self, text: str) -> tuple[str, ...]:
        return tuple(re.findall(r"[^\W_]+", text))


def ours(title: str, text: str) -> list[str]:
    return [sentence.text for sentence in summaries.pick_sentences(article(title, text))]


def rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(DATA / "summaries" / "summaries.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (row for row in map(json.loads, lines) if row["set"] == name)


def rouge(name: str) -> None:
    scorer = rouge_scorer.RougeScorer(list(KINDS), use_stemmer=True)
    ways: dict[str, Callable[[str, str], list[str]]] = {
        "lead-1": lead(1),
        "lead-3": lead(3),
        "TextRank": TextRank(),
        "ours": ours,
    }
    articles = list(rows(name))
    print(f"\n{name}: {len(articles)} articles        cut to {WORDS} words              uncut")
    print("             " + "  ".join(f"{kind:>7}" for kind in KINDS * 2) + "    words")
    for way, pick in ways.items():
        cut, whole, words = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0), 0
        for row in articles:
            text = " ".join(pick(row["title"], row["text"]))
            words += len(text.split())
            for target, shown in ((cut, " ".join(text.split()[:WORDS])), (whole, text)):
                for kind, score in scorer.score(row["summary"], shown).items():
                    target[kind] += score.fmeasure / len(articles)
        figures = "  ".join(f"{100 * value:7.2f}" for value in (*cut.values(), *whole.values()))
        print(f"  {way:10} {figures}   {words / len(articles):6.1f}")


def pages() -> Iterator[tuple[str, str, str]]:
    """Id, language and text of every real page: the typed-out text, or what the product's own extraction gives."""
    import trafilatura

    with gzip.open(DATA / "articles" / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        truth = [json.loads(line) for line in lines]
    with tarfile.open(DATA / "articles" / "html.tar.xz") as archive:
        files = [each for each in archive.getmembers() if each.isfile()]
        html = {each.name: file.read() for each in files if (file := archive.extractfile(each))}
    for row in truth:
        language = row.get("lang", "en")
        if row.get("text"):
            yield f"{row['id']} (typed out)", language, row["text"]
        content = next((html[name] for name in html if name.endswith(row["file"])), b"")
        extracted = trafilatura.extract(content.decode("utf-8", "replace"))
        if extracted:
            yield f"{row['id']} (extracted)", language, extracted


#: Judged here by other means than the product's own: the marks at a sentence's ends, and a list of telling words.
_WHOLE_END = re.compile(r"[.!?。！？।۔؟][\"'”’»›)\]」』]*$")
_TELLING = re.compile(
    r"\bcookies\b|\bread more\b|\bsubscribe\b|\bsign up\b|\bnewsletter\b|\bclick here\b|\bfollow us\b|\bshare this\b"
    r"|all rights reserved|\bcopyright\b|getty images|\bappeared first on\b|^photo\b|^image\b|@\w+",
    re.IGNORECASE,
)


def faults(shown: int) -> None:
    cut = suspect = told = empty = 0
    started = time.perf_counter()
    out = io.StringIO()
    for name, language, text in pages():
        picked = summaries.pick_sentences(article("", text, language=language))
        empty += not picked
        for sentence in picked:
            told += 1
            if (
                not _WHOLE_END.search(sentence.text)
                or sentence.text[:1].islower()
                or sentence.text not in " ".join(text.split())
            ):
                cut += 1
                print(f"  cut: {name}: {sentence.text}", file=out)
            if _TELLING.search(sentence.text):
                suspect += 1
                print(f"  to read: {name}: {sentence.text}", file=out)
        if shown:
            shown -= 1
            print(f"  {name}\n" + "\n".join(f"    - {sentence.text}" for sentence in picked), file=out)
    seconds = time.perf_counter() - started
    print(f"\nreal pages: {told} sentences told, {cut} cut, {suspect} to be read, {empty} pages without one")
    print(f"  {seconds:.1f} s with extraction\n{out.getvalue()}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--show", type=int, default=0, metavar="N", help="print the summaries of N pages")
    options = arguments.parse_args()
    for name in ("inshorts", "bbc-extractive"):
        rouge(name)
    faults(options.show)


if __name__ == "__main__":
    main()
