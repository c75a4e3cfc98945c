"""Measure what a language model is worth that answers rightly, wrongly or always alike.

The whole bot runs over the labelled desks (desks.py) with a local server in place of a model. The server answers from
the labels, and gets some answers wrong on purpose:

none       no model is configured
right      each answer is right
wrong-N    of N % of the questions, the verdict and the choice of facts are wrong: "same" becomes "other", "other"
           becomes "same" with one of the stories that the question shows
same       always "same", with the first story that the question shows
nearest    always "same", with the story whose words are nearest (the worst constant answer)
all        always "same", with all stories that the question shows

    python -m bench.quality.answers [--parts a b c] [--models none right ...] [--seeds N] [--show]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table

from bench.quality import desks
from bench.quality.desk_scores import Desk, Item, Score, load, says, score
from bot.model.language_models import RECENT_CALLS, Completion, Outcome, Use, UseRecord
from tests.testbed.servers import chat_completions, faulty

MODELS = ("none", "right", "wrong-10", "wrong-20", "wrong-30", "same", "nearest", "all")


class Labels:
    """Answers to prompts, by the labels of the articles that they show."""

    def __init__(self, all_desks: Sequence[Desk], model: str, seed: int = 0) -> None:
        self._items: dict[tuple[str, str, str], Item] = {
            (item.source, f"{item.at:%Y-%m-%d %H:%M} UTC", " ".join(item.title.split())): item
            for desk in all_desks
            for item in desk.items
        }
        self._model, self._seed = model, seed

    def same_event(self, data: dict[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a question about the event of an article, with facts if it asks for them."""
        numbers = [story["number"] for story in data["stories"]]
        item = self._find(data["article"])
        events = {story["number"]: self._event(story["reports"]) for story in data["stories"]}
        right = [number for number in numbers if item.event is not None and events[number] == self._name(item)]
        named = right
        if self._is_wrong(data):
            others = [number for number in numbers if number not in right]
            named = [] if right else others[self._draw("story", data) % len(others) :][:1]
        if self._model in ("same", "nearest", "all"):
            named = numbers if self._model == "all" else numbers[:1]
            named = [data.get("nearest") or _most_alike(data)] if self._model == "nearest" else named
        answer: dict[str, Any] = {"sentence": 0, "verdict": "same" if named else "other", "stories": named}
        if "updates" in data:
            answer["updates"] = self._choose(item, data) if data["nearest"] in named else []
        return answer

    def facts(self, data: dict[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a question about the facts of an article."""
        return {"updates": self._choose(self._find(data["article"]), data)}

    def _choose(self, item: Item, data: dict[str, Any]) -> list[dict[str, object]]:
        """Choose for each new fact of the article the shortest update that states it."""
        updates = sorted(data["updates"], key=lambda update: len(update["sentence"]))
        chosen: list[int] = []
        for fact in item.news:
            stating = [update["number"] for update in updates if any(says(say, update["sentence"]) for say in fact)]
            if stating and not set(chosen) & set(stating):
                chosen.append(stating[0])
        if self._is_wrong(data) or self._model in ("same", "nearest", "all"):
            chosen = [] if chosen else [data["updates"][0]["number"]]
        return [{"number": number, "before": "", "after": ""} for number in chosen[:3]]

    def _is_wrong(self, data: dict[str, Any]) -> bool:
        name, _, share = self._model.partition("-")
        return name == "wrong" and self._draw("wrong", data) % 100 < int(share)

    def _draw(self, purpose: str, data: dict[str, Any]) -> int:
        """Return a number that depends only on the article, the purpose and the seed."""
        text = f"{self._seed} {purpose} {data['article']}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])

    def _find(self, report: Mapping[str, Any]) -> Item:
        return self._items[report["outlet"], report["published"], report["headline"]]

    def _event(self, reports: Sequence[Mapping[str, Any]]) -> str | None:
        """Return the event of most reports of a story."""
        events = Counter(self._name(item) for item in map(self._find, reports) if item.event is not None)
        return events.most_common(1)[0][0] if events else None

    @staticmethod
    def _name(item: Item) -> str:
        return f"{item.desk}/{item.event}"


def _most_alike(data: Mapping[str, Any]) -> int:
    """Return the number of the story that shares the most words with the article."""
    own_words = _words([data["article"]])
    shared: dict[int, int] = {story["number"]: len(own_words & _words(story["reports"])) for story in data["stories"]}
    return max(shared, key=shared.__getitem__)


def _words(reports: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the words of reports. The sentences of an article have numbers, those of a story's reports do not."""
    words: set[str] = set()
    for report in reports:
        texts = report["sentences"]
        words.update(*(text.casefold().split() for text in (texts.values() if isinstance(texts, dict) else texts)))
        words.update(report["headline"].casefold().split())
    return words


def measure(some_desks: Sequence[Desk], model: str, seed: int) -> tuple[Score, Sequence[Completion], int]:
    """Run the bot over the desks. Return the score, the calls of the model, and the number of articles."""
    labels = Labels(some_desks, model, seed)
    with faulty.serve(chat_completions.Model()) as server:
        server.service.answer_with("same_event", labels.same_event)
        server.service.answer_with("facts", labels.facts)
        policy = {
            "url": f"{server.url}/v1",
            "name": chat_completions.NAME,
            "key": "env:MODEL_KEY",
            "uses": ["same_event", "facts"],
            "calls_per_day": 1_000_000,
            "tokens_per_day": 10_000_000_000,
        }
        keys = {} if model == "none" else {"model": policy}
        shown, calls = asyncio.run(desks.run(some_desks, keys, {"MODEL_KEY": chat_completions.KEY}))
    total = Score()
    for desk in some_desks:
        total.add(score(desk, shown[desk.name]))
    return total, calls, sum(len(of_desk.stories) for of_desk in shown.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=["a", "b", "c"], help="folders of the desks' data")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=1, help="repeat models with wrong answers with other errors")
    parser.add_argument("--show", action="store_true", help="print the hidden events and the wrong replies")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    out = Console(width=170)
    columns = ("hidden", "surplus", "an event", "pairs P, R", "replies right", "news told", "calls", "switched off")
    table = Table("model", *columns)
    for model in options.models:
        for seed in range(options.seeds if model.startswith("wrong") else 1):
            total, articles, off = Score(), 0, Counter[str]()
            calls: list[Completion] = []
            for part in options.parts:
                score_of_part, calls_of_part, articles_of_part = measure(load(part), model, seed)
                total.add(score_of_part)
                calls += calls_of_part
                articles += articles_of_part
                off.update(_switched_off(calls_of_part))
            cells = _cells(total, calls, articles, off)
            table.add_row(f"{model} {seed or ''}", *cells)
            for remark in total.remarks if options.show else ():
                out.print(remark, markup=False, highlight=False)
            # A long run shows what it has so far.
            out.print(model, *cells, sep=" | ", markup=False, highlight=False)
    out.print(table)


def _switched_off(calls: Sequence[Completion]) -> Sequence[str]:
    """Return the uses that are switched off after these calls, with the number of calls."""
    off = []
    for use in Use:
        of_use = [call for call in calls if call.use is use]
        outcomes = Counter(call.outcome for call in of_use[-RECENT_CALLS:])
        if UseRecord(outcomes=outcomes, seconds=0).describe_fault():
            off.append(f"{use} after {len(of_use)}")
    return off


def _cells(total: Score, calls: Sequence[Completion], articles: int, off: Mapping[str, int]) -> Sequence[str]:
    outcomes = Counter(call.outcome for call in calls)
    kinds = (Outcome.WRONG, Outcome.REFUSED, Outcome.FAILED)
    bad = ", ".join(f"{outcomes[name]} {name}" for name in kinds if outcomes[name])
    return (
        f"{total.hidden} of {total.events}",
        str(total.beyond),
        f"{total.beyond / total.events:.2f}",
        f"{total.pairs.precision:.2f}, {total.pairs.recall:.2f}",
        f"{total.replies_right} of {total.replies}",
        f"{total.told} of {total.with_news}",
        f"{len(calls) / articles:.2f} an article{', ' + bad if bad else ''}",
        ", ".join(off),
    )


if __name__ == "__main__":
    main()
