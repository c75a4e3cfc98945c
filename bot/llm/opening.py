"""Opens the language model that bot.yaml names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot import model, ports
from bot.llm.answer_file import AnswerFile
from bot.llm.endpoint import Endpoint


def open_model(policy: model.LanguageModelPolicy, resolve: Callable[[model.Secret], str]) -> ports.LanguageModel:
    """Open the endpoint or the answer file. Raises ConfigError for a missing extra or secret or an unreadable file."""
    if policy.url.startswith("file:"):
        return AnswerFile(Path(policy.url.removeprefix("file:")))
    return Endpoint(policy, resolve(policy.key) if policy.key else None)
