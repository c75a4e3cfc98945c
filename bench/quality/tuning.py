"""Tune a reading model to judge whether two articles report one event. bench/quality/reader.py measures what it adds.

The model is a cross-encoder: it reads two articles at once, each by its title and first 300 characters. It learns from
the pairs that grouping compares if all articles are in their right stories: articles of the right story, and articles
of the wrong stories that are likeliest by their words. The embeddings and the two lowest layers are not tuned.

Needs torch, transformers and tokenizers, which the project does not depend on.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from bench.quality.desk_rows import WINDOW
from bench.quality.streams import Stream
from bot.model.stories import ArticleId, StoryId
from bot.stories import evidence, profile
from bot.stories.grouping import story_id
from bot.stories.index import Index

#: Groups of real feeds. They have few pairs of one event, so these count twice and more of their pairs are drawn.
REAL, REAL_WEIGHT = ("labels", "everyday"), 2.0
#: Pairs per article with the right story, and with wrong stories: of invented desks, of real feeds.
RIGHT, WRONG = (2, 3), (1, 3)
#: A wrong story is drawn by the logarithm of its chance, which is at least LEAST, and some noise.
LEAST, NOISE = 0.003, 0.8
EPOCHS, BATCH, RATE, HEAD_RATE, WARM_UP = 2, 32, 7e-5, 3.5e-4, 0.06
#: Shares of pairs that are swapped, of tokens that are masked, of values that are dropped.
SWAPPED, MASKED, DROPPED = 0.3, 0.05, 0.1
#: Tokens of an article; the lowest layers that stay as they are.
TOKENS, FROZEN = 56, 2
CLS, SEP, MASK = 101, 102, 103
#: Batches whose pairs are sorted by length together; steps between reports.
SORTED, REPORTED = 25, 50

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A story that grouping compares with an article; both are texts."""

    group: str
    article: str
    members: tuple[str, ...]
    is_right: bool
    #: The probability by the words.
    chance: float


class Labelled(NamedTuple):
    """Two articles, 1.0 if they report one event, and the weight of the pair."""

    first: str
    second: str
    is_right: float
    weight: float


def candidates(every: Iterable[Stream]) -> Iterator[Candidate]:
    """Yield the candidates of every article while all articles are in their right stories."""
    for stream in every:
        index = Index()
        opened_by: dict[StoryId, str] = {}
        homes: dict[str, StoryId] = {}
        texts: dict[ArticleId, str] = {}
        for at, one in enumerate(stream.reports):
            if at % 20 == 0:
                index.forget(one.read.seen - WINDOW)
            near = index.near(one.read, WINDOW)
            chances = evidence.shipped().chances(evidence.compare(one.read, near, index.rarity))
            text = texts[one.read.id] = profile.beginning(one.arrival.article)
            for story, chance in zip(near, chances, strict=True):
                members = tuple(texts[sample.id] for sample in story.samples)
                yield Candidate(stream.group, text, members, opened_by[story.id] == one.event, chance)
            home = homes.get(one.event)
            if home is None or home not in index.stories:
                home = homes[one.event] = story_id(one.read.id)
                opened_by[home] = one.event
            index.add(home, one.read)


def pairs(found: Iterable[Candidate], unseen: Collection[str], draw: random.Random) -> list[Labelled]:
    """Draw the pairs of an epoch, without the texts of ``unseen``."""
    by_article: defaultdict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in found:
        members = tuple(text for text in candidate.members if text not in unseen)
        if members and candidate.article not in unseen:
            by_article[candidate.group, candidate.article].append(replace(candidate, members=members))
    drawn: list[Labelled] = []
    for (group, article), near in by_article.items():
        is_real = group.startswith(REAL)
        for right in (candidate for candidate in near if candidate.is_right):
            some = draw.sample(right.members, min(RIGHT[is_real], len(right.members)))
            drawn += [Labelled(member, article, 1.0, REAL_WEIGHT if is_real else 1.0) for member in some]
        wrong = [(draw.gauss(math.log(each.chance + LEAST), NOISE), each) for each in near if not each.is_right]
        wrong.sort(key=lambda item: -item[0])
        drawn += [Labelled(draw.choice(each.members), article, 0.0, 1.0) for _, each in wrong[: WRONG[is_real]]]
    return [pair._replace(first=pair.second, second=pair.first) if draw.random() < SWAPPED else pair for pair in drawn]


class CrossEncoder:
    """A model from a folder with the weights, the configuration and the tokenizer of a BERT such as MiniLM."""

    def __init__(self, folder: Path, seed: int) -> None:
        # Heavy libraries that the project does not depend on.
        self._torch: Any = import_module("torch")
        self._torch.manual_seed(seed)
        bert: Any = import_module("transformers").BertModel
        self._body = bert.from_pretrained(
            folder, add_pooling_layer=False, hidden_dropout_prob=DROPPED / 2, attention_probs_dropout_prob=0.0
        ).float()
        for layer in (self._body.embeddings, *self._body.encoder.layer[:FROZEN]):
            layer.requires_grad_(False)
        nn, size = self._torch.nn, self._body.config.hidden_size
        layers = nn.Dropout(DROPPED), nn.Linear(2 * size, size), nn.Tanh(), nn.Dropout(DROPPED), nn.Linear(size, 1)
        self._head = nn.Sequential(*layers)
        self._both = nn.ModuleList([self._body, self._head])
        self._tokenizer: Any = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._known: dict[str, list[int]] = {}

    def tune(self, epochs: Sequence[list[Labelled]], draw: random.Random, report: Callable[[str], None]) -> None:
        """Fit the model on these pairs."""
        torch = self._torch
        batches = [batch for epoch in epochs for batch in self._batches(epoch, draw)]
        rates = [{"params": self._body.parameters(), "lr": RATE}, {"params": self._head.parameters(), "lr": HEAD_RATE}]
        optimizer = torch.optim.AdamW(rates, weight_decay=0.01)
        rise = WARM_UP * len(batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / rise) * max(0.0, 1.0 - step / len(batches))
        )
        self._both.train()
        for step, batch in enumerate(batches):
            logits = self._logits([(pair.first, pair.second) for pair in batch], masked=MASKED)
            right, weights = torch.tensor([pair[2:] for pair in batch]).T
            losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, right, reduction="none")
            loss = (losses * weights).sum() / weights.sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._both.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if step % REPORTED == 0:
                report(f"step {step} of {len(batches)}: loss {loss.item():.3f}")
        self._both.eval()

    def read(self, wanted: Sequence[Pair]) -> list[float]:
        """Return for each pair the logarithm of the odds that it reports one event."""
        self._both.eval()
        with self._torch.no_grad():
            return [float(logit) for logit in self._logits(wanted)]

    def save(self, file: Path) -> None:
        """Write the weights."""
        self._torch.save(self._both.state_dict(), file)

    def load(self, file: Path) -> None:
        """Read the weights."""
        self._both.load_state_dict(self._torch.load(file))

    def _batches(self, epoch: list[Labelled], draw: random.Random) -> list[list[Labelled]]:
        draw.shuffle(epoch)
        batches = []
        for start in range(0, len(epoch), BATCH * SORTED):
            chunk = sorted(epoch[start : start + BATCH * SORTED], key=lambda pair: len(pair.first) + len(pair.second))
            batches += [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
        draw.shuffle(batches)
        return batches

    def _logits(self, wanted: Sequence[Pair], masked: float = 0.0) -> Any:
        torch = self._torch
        rows = [(self._ids(first), self._ids(second)) for first, second in wanted]
        pad = torch.nn.utils.rnn.pad_sequence
        ids = [torch.tensor([CLS, *first, SEP, *second, SEP]) for first, second in rows]
        sides = [torch.tensor([0] * (len(first) + 2) + [1] * (len(second) + 1)) for first, second in rows]
        real = pad([torch.ones_like(each) for each in ids], batch_first=True)
        tokens = pad(ids, batch_first=True)
        if masked:
            tokens = torch.where((torch.rand(tokens.shape) < masked) & (tokens > MASK), MASK, tokens)
        # Half the bits are enough and twice as fast where the processor knows them.
        with torch.autocast("cpu", torch.bfloat16):
            states = self._body(
                input_ids=tokens, token_type_ids=pad(sides, batch_first=True), attention_mask=real
            ).last_hidden_state
            mean = (states * real[:, :, None]).sum(1) / real.sum(1, keepdim=True)
            return self._head(torch.cat([mean, states[:, 0]], -1)).squeeze(-1).float()

    def _ids(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text, add_special_tokens=False).ids[:TOKENS]
        return self._known[text]
