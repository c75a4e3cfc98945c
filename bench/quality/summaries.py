"""Measure summaries: ROUGE against editors' summaries, beside that of other methods.

ROUGE-1, -2 and -L (F1, stemmed) are those of rouge-score. So that no method gains by length, its whole sentences are
cut to 60 words, the limit of an Inshorts summary; the uncut figures are printed too. TextRank is that of sumy. No rule
matches, so only the position, the weights and the repetition of words affect the choice.

    python -m bench.quality.summaries
"""

from __future__ import annotations

import gzip
import json
import re
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


def article(title: str, text: str) -> Article:
    return Article(
        id=ArticleId("bench"),
        feed="bench",
        outlet="Bench",
        owner="bench",
        link="https://bench.example/",
        title=title,
        text=text,
        language="en",
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


def main() -> None:
    for name in ("inshorts", "bbc-extractive"):
        rouge(name)


if __name__ == "__main__":
    main()
