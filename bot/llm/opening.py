"""Opens the language model that bot.yaml names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot import model, ports
from bot.llm.answer_file import AnswerFile


def open_model(policy: model.LanguageModelPolicy, resolve: Callable[[model.Secret], str]) -> ports.LanguageModel:
    """The endpoint or the answer file. Raises ConfigError: no extra, no secret, no file that can be read."""
    if policy.url.startswith("file:"):
        return AnswerFile(Path(policy.url.removeprefix("file:")))
    # Costs start-up: the SDK takes a second to import.
    from bot.llm.endpoint import Endpoint

    return Endpoint(policy, resolve(policy.key) if policy.key else None)
