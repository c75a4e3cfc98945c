"""What a reading model adds to the judge of grouping: the likeness of sentence vectors as three more numbers.

A vector is of the title and the first 300 characters. The numbers are the cosine with the story's most similar article
and with the mean of its articles, and the first minus its average over the other candidates. They are fitted with all
other numbers as bench/quality/fit.py does it, but without the story sets. Printed, by judges fitted without the part:
what a channel would show, without and with the model; last, the messages beyond one an event that remain with the model
where it hides as many events as the words (nan: outside the curve).

    python -m bench.quality.reader [--model FOLDER]

FOLDER holds model.onnx and tokenizer.json of an encoder whose vectors are means over the tokens, for example
all-MiniLM-L6-v2; this needs onnxruntime and tokenizers. Without --model: the encoder of the extra `languages`.
"""

from __future__ import annotations

import argparse
from collections import defaultdict, namedtuple
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain, pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.quality import fit, streams
from bench.quality.fit import Matrix, Outcome
from bench.quality.streams import Report, Stream
from bot import model
from bot.stories import evidence, profile
from bot.stories.evidence import Evidence
from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity
from bot.text.encoders import UniversalEncoder

NUMBERS = ("near", "mid", "ahead")
#: Groups of streams that are left out of the fit.
LEFT_OUT = ("gva", "sets")
KINDS = ("labels", "desk")
CURVE = tuple(at / 50 for at in range(25, 41))
TOKENS = 128


class Onnx:
    """An encoder in a folder."""

    def __init__(self, folder: Path) -> None:
        self._session = import_module("onnxruntime").InferenceSession(folder / "model.onnx")
        self._tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS)

    def encode(self, texts: Sequence[str]) -> Sequence[model.Vector]:
        """Return a vector per text: the mean over its tokens."""
        vectors = []
        for text in texts:
            ids = np.array([self._tokenizer.encode(text).ids])
            given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            used = {place.name: given[place.name] for place in self._session.get_inputs()}
            vectors.append(self._session.run(None, used)[0][0].mean(axis=0))
        return vectors


class Reader:
    """Adds the numbers of meaning to the evidence."""

    def __init__(self, encoder: model.Encoder, reports: Iterable[Report]) -> None:
        # A headline alone has the id of its article, so the length is part of the key.
        texts = {(one.read.id, one.read.length): profile.beginning(one.arrival.article) for one in reports}
        vectors = {text: _unit(np.array(encoder.encode([text])[0])) for text in set(texts.values())}
        self._vectors = {key: vectors[text] for key, text in texts.items()}
        self._compare = evidence.compare
        make: Any = namedtuple  # noqa: PYI024
        self._wider = make("Wider", (*Evidence._fields, *NUMBERS))

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Let grouping and its fit use the numbers."""
        bends, rising = fit.BENDS | dict.fromkeys(NUMBERS, (0.3, 0.7, 0.93)), fit.RISING | {*NUMBERS}
        with (
            mock.patch.multiple(fit, Evidence=self._wider, BENDS=bends, RISING=rising),
            mock.patch.object(evidence, "compare", self.compare),
        ):
            yield

    def compare(self, read: Profile, candidates: Sequence[OpenStory], rarity: Rarity) -> list[Any]:
        """Return the evidence for each candidate, with the numbers of meaning."""
        own, cosines = self._vectors[read.id, read.length], []
        for story in candidates:
            samples = np.array([self._vectors[sample.id, sample.length] for sample in story.samples])
            cosines.append((max(0.0, float((samples @ own).max())), max(0.0, float(_unit(samples.mean(axis=0)) @ own))))
        whole, rivals = sum(near for near, _ in cosines), max(1, len(cosines) - 1)
        return [
            self._wider(*words, near, mid, near - (whole - near) / rivals)
            for words, (near, mid) in zip(self._compare(read, candidates, rarity), cosines, strict=True)
        ]


def _unit(vector: Matrix) -> Matrix:
    return vector / (np.linalg.norm(vector) or 1.0)


def curve(every: Sequence[Stream]) -> dict[tuple[str, float], Outcome]:
    """Return what a channel would show, by kind of streams and probability from which an article joins."""
    choices, made = fit.all_choices(every), defaultdict[tuple[str, float], Outcome](Outcome)
    shown = [stream for stream in fit.measured(every) if stream.group.startswith(KINDS)]
    judges = {group: fit.fit(choices, {group}) for group in {stream.group for stream in shown}}
    for join_from in CURVE:
        for stream in shown:
            kind, judge = stream.group.partition("-")[0], judges[stream.group]
            made[kind, join_from] += fit.outcome(stream.reports, judge, join_from)
    return made


def left(points: Iterable[tuple[int, int]], hidden: int) -> float:
    """Return the messages beyond one an event at so many hidden events, between two points of a curve; or nan."""
    for (fewer, many), (more, few) in pairwise(sorted(points)):
        if fewer <= hidden <= more and fewer < more:
            return many + (few - many) * (hidden - fewer) / (more - fewer)
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="the folder of the encoder")
    folder = parser.parse_args().model
    every = [stream for stream in streams.load() if stream.group not in LEFT_OUT]
    words = curve(every)
    encoder = Onnx(folder) if folder else UniversalEncoder()
    reader = Reader(encoder, chain.from_iterable(stream.reports for stream in every))
    with reader.patched():
        meaning = curve(every)
    table = Table("kind", "events", "joins from", *("hidden", "beyond", "P", "R") * 2, "beyond at equal hidden")
    for (kind, join_from), made in sorted(words.items()):
        equal = left([(one.hidden, one.beyond) for key, one in meaning.items() if key[0] == kind], made.hidden)
        cells = []
        for one in (made, meaning[kind, join_from]):
            shares = one.pairs_right / max(1, one.pairs_joined), one.pairs_right / max(1, one.pairs)
            cells += [str(one.hidden), str(one.beyond), *(f"{share:.2f}" for share in shares)]
        table.add_row(kind, str(made.events), f"{join_from}", *cells, f"{equal:.0f} of {made.beyond}")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
