"""Measure what a reading model adds to the judge of grouping, as further numbers of the evidence.

    python -m bench.quality.reader [--vectors FOLDER | --tune FOLDER --out FOLDER [--report]]

By default, the model is an encoder. The numbers are the cosine with the story's most similar article, its lead over the
other candidates, and the cosine with the mean vector of the story's articles. The encoder is that of the extra
`languages`, or with --vectors another one: a folder with model.onnx and tokenizer.json, whose vectors are means over
the tokens (needs onnxruntime).

--tune tunes a model that reads two articles at once (tuning.py), starting from the weights in a folder, such as those
of all-MiniLM-L6-v2. The numbers are the log odds for the story's likeliest article, and its lead over the other
candidates. Each of three tuned models leaves out a part of the labels and some authors of desks. Only stories that are
likely enough by their words are read. The tuned models are stored in --out.

All numbers are fitted together as in bench/quality/fit.py, but without the story sets. Prints what a channel would show
without and with the model, by judges fitted without the part. The last column is the number of surplus messages with
the model at a threshold that hides as many events as the words alone (nan: outside the curve). --report adds the third
part of the labels.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict, namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.quality import fit, pools, streams, tuning
from bench.quality.fit import Matrix, Outcome
from bench.quality.streams import Report, Stream
from bot.model.language_models import Encoder, Vector
from bot.model.stories import ArticleId
from bot.stories import evidence, profile
from bot.stories.evidence import Evidence
from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity
from bot.text.encoders import UniversalEncoder

#: Groups of streams that are left out of the fit.
LEFT_OUT = ("gva", "sets")
KINDS = ("labels", "desk")
CURVE = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
TOKENS = 128
#: Groups that one tuned model leaves out; all other groups are in every model.
FOLDS = (
    ("labels-a", "desk-a", "desk-d", "desk-g"),
    ("labels-b", "desk-b", "desk-e", "desk-h"),
    ("everyday", "families", "example", "desk-c", "desk-f"),
)
#: A story below this probability by the words is not read; the logarithm that counts as 0.
READ_FROM, LOWEST = 0.01, -7.0

#: The id and length of an article: a headline alone has the id of its article.
Key = tuple[ArticleId, int]


class Reader(Protocol):
    """Compares an article with its candidates by more numbers."""

    names: Sequence[str]

    def numbers(
        self, read: Profile, candidates: Sequence[OpenStory], rows: Sequence[Evidence]
    ) -> Iterable[tuple[float, ...]]:
        """Return the numbers for each candidate, whose evidence by the words is in ``rows``."""


@contextmanager
def patched(reader: Reader) -> Iterator[None]:
    """Let grouping and its fit use the numbers of a reader."""
    compare, make = evidence.compare, namedtuple  # noqa: PYI024
    wider: Any = make("wider", (*Evidence._fields, *reader.names))

    def compare_more(read: Profile, candidates: Sequence[OpenStory], rarity: Rarity) -> list[Any]:
        rows = compare(read, candidates, rarity)
        return [wider(*row, *more) for row, more in zip(rows, reader.numbers(read, candidates, rows), strict=True)]

    bends, rising = fit.BENDS | dict.fromkeys(reader.names, (0.3, 0.7, 0.93)), fit.RISING | {*reader.names}
    with (
        mock.patch.multiple(fit, Evidence=wider, BENDS=bends, RISING=rising),
        mock.patch.object(evidence, "compare", compare_more),
    ):
        yield


class Onnx:
    """An encoder in a folder."""

    def __init__(self, folder: Path) -> None:
        self._session = import_module("onnxruntime").InferenceSession(folder / "model.onnx")
        self._tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS)

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return a vector per text: the mean over its tokens."""
        vectors = []
        for text in texts:
            ids = np.array([self._tokenizer.encode(text).ids])
            given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            used = {place.name: given[place.name] for place in self._session.get_inputs()}
            vectors.append(self._session.run(None, used)[0][0].mean(axis=0))
        return vectors


class Vectors:
    """Compares sentence vectors."""

    names: Sequence[str] = ("near", "mid", "ahead")

    def __init__(self, encoder: Encoder, texts: Mapping[Key, str]) -> None:
        vectors = {text: _unit(np.array(encoder.encode([text])[0])) for text in set(texts.values())}
        self._vectors = {key: vectors[text] for key, text in texts.items()}

    def numbers(
        self, read: Profile, candidates: Sequence[OpenStory], rows: Sequence[Evidence]
    ) -> Iterable[tuple[float, ...]]:
        """Return the cosines for each candidate."""
        own, cosines = self._vectors[read.id, read.length], []
        for story in candidates:
            samples = np.array([self._vectors[sample.id, sample.length] for sample in story.samples])
            cosines.append((max(0.0, float((samples @ own).max())), max(0.0, float(_unit(samples.mean(axis=0)) @ own))))
        whole, rivals = sum(near for near, _ in cosines), max(1, len(cosines) - 1)
        return [(near, mid, near - (whole - near) / rivals) for near, mid in cosines]


def _unit(vector: Matrix) -> Matrix:
    return vector / (np.linalg.norm(vector) or 1.0)


class Tuned:
    """Reads an article with the articles of its likely stories; each by models that have not seen it."""

    names: Sequence[str] = ("read", "ahead")

    def __init__(self, folder: Path, out: Path, every: Sequence[Stream], texts: Mapping[Key, str]) -> None:
        self._texts, self._logits = texts, [dict[tuning.Pair, float]() for _ in FOLDS]
        #: Text -> the first fold that leaves it out; the texts of the third part of the labels have none.
        self._fold: dict[str, int] = {}
        for at, groups in enumerate(FOLDS):
            of_fold = [stream for stream in every if stream.group in groups]
            for text in (texts[key_of(one)] for stream in of_fold for one in stream.reports):
                self._fold.setdefault(text, at)
        found = list(tuning.candidates(stream for stream in every if stream.weight != streams.MADE))
        self._models = [self._tuned(folder, out, found, at) for at in range(len(FOLDS))]

    def _tuned(self, folder: Path, out: Path, found: Sequence[tuning.Candidate], fold: int) -> tuning.CrossEncoder:
        tuned, file = tuning.CrossEncoder(folder, seed=fold), out / f"fold-{fold}.pt"
        out.mkdir(parents=True, exist_ok=True)
        if file.exists():
            tuned.load(file)
        else:
            unseen, draw = {text for text, at in self._fold.items() if at == fold}, random.Random(fold)
            kept = [candidate for candidate in found if candidate.group not in FOLDS[fold]]
            epochs = [tuning.pairs(kept, unseen, draw) for _ in range(tuning.EPOCHS)]
            tuned.tune(epochs, draw, lambda line: print(f"{file.name}: {line}", flush=True))
            tuned.save(file)
        return tuned

    def numbers(
        self, read: Profile, candidates: Sequence[OpenStory], rows: Sequence[Evidence]
    ) -> Iterable[tuple[float, ...]]:
        """Return the logarithm of the odds by the model, and its lead, for each candidate."""
        own = self._texts[read.id, read.length]
        near = [
            max(0.0, max(self._read([(self._texts[key], own) for key in keys])) - LOWEST)
            if (keys := [(sample.id, sample.length) for sample in story.samples]) and chance >= READ_FROM
            else 0.0
            for story, chance in zip(candidates, evidence.shipped().chances(rows), strict=True)
        ]
        whole, rivals = sum(near), max(1, len(near) - 1)
        return [(each, max(0.0, each - (whole - each) / rivals)) for each in near]

    def _read(self, wanted: Sequence[tuning.Pair]) -> list[float]:
        fold = self._fold.get(wanted[0][1])
        folds = range(len(FOLDS)) if fold is None else [fold]
        for at in folds:
            if new := [pair for pair in dict.fromkeys(wanted) if pair not in self._logits[at]]:
                self._logits[at].update(zip(new, self._models[at].read(new), strict=True))
        return [float(np.mean([self._logits[at][pair] for at in folds])) for pair in wanted]


def key_of(one: Report) -> Key:
    """Return the key of a report's text."""
    return one.read.id, one.read.length


def curve(every: Sequence[Stream], reported: Sequence[Sequence[Report]]) -> dict[tuple[str, float], Outcome]:
    """Return what a channel would show, by kind of streams and probability from which an article joins."""
    choices, made = fit.all_choices(every), defaultdict[tuple[str, float], Outcome](Outcome)
    shown = [stream for stream in fit.measured(every) if stream.group.startswith(KINDS)]
    judges = {group: fit.fit(choices, {group}) for group in {stream.group for stream in shown}}
    whole = fit.fit(choices) if reported else None
    for join_from in CURVE:
        for stream in shown:
            kind, judge = stream.group.partition("-")[0], judges[stream.group]
            made[kind, join_from] += fit.outcome(stream.reports, judge, join_from)
        for reports in reported:
            made["third part", join_from] += fit.outcome(reports, whole, join_from)
    return made


def left(points: Iterable[tuple[int, int]], hidden: int) -> float:
    """Return the messages beyond one an event at so many hidden events, between two points of a curve; or nan."""
    for (fewer, many), (more, few) in pairwise(sorted(points)):
        if fewer <= hidden <= more and fewer < more:
            return many + (few - many) * (hidden - fewer) / (more - fewer)
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vectors", type=Path, help="the folder of an encoder")
    parser.add_argument("--tune", type=Path, help="the folder of the weights to tune")
    parser.add_argument("--out", type=Path, help="the folder of the tuned weights")
    parser.add_argument("--report", action="store_true", help="the third part of the labels too")
    options = parser.parse_args()
    if options.tune and not options.out:
        parser.error("--tune needs --out")
    every = [stream for stream in streams.load() if stream.group not in LEFT_OUT]
    reported = streams.read_labels(pools.PARTS[-1]) if options.report else []
    reports = [one for stream in every for one in stream.reports] + [one for each in reported for one in each]
    texts = {key_of(one): profile.beginning(one.arrival.article) for one in reports}
    reader: Reader
    if options.tune:
        reader = Tuned(options.tune, options.out, every, texts)
    else:
        reader = Vectors(Onnx(options.vectors) if options.vectors else UniversalEncoder(), texts)
    outcomes = []
    for context in (nullcontext(), patched(reader)):
        with context:
            outcomes.append(curve(every, reported))
    words, with_model = outcomes
    table = Table("kind", "events", "joins from", *("hidden", "beyond", "P", "R") * 2, "beyond at equal hidden")
    for (kind, join_from), made in sorted(words.items()):
        equal = left([(one.hidden, one.beyond) for key, one in with_model.items() if key[0] == kind], made.hidden)
        cells = []
        for one in (made, with_model[kind, join_from]):
            shares = one.pairs_right / max(1, one.pairs_joined), one.pairs_right / max(1, one.pairs)
            cells += [str(one.hidden), str(one.beyond), *(f"{share:.2f}" for share in shares)]
        table.add_row(kind, str(made.events), f"{join_from}", *cells, f"{equal:.0f} of {made.beyond}")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
