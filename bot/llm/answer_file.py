"""A file of prompts and answers in the place of a model: prompts are written to it, and answered from it.

A line is a JSON object: ``key`` (of the prompt), ``use``, ``instructions``, ``data``, ``schema`` and ``answer``, which
is null until somebody has filled it in: a person, a program, any model. The last line of a key counts. So the
judgement of any model can be recorded once and replayed by tests and benches.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from bot import model, ports


class AnswerFile:
    """A file of prompts and answers in place of a model; new prompts are appended to it."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises ConfigError if it cannot be read."""
        self._path = path
        self._answers: dict[str, object] = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise ports.ConfigError(f"reading the answer file {path}: {error}") from None
        for number, line in enumerate(lines, start=1):
            if line.strip():
                self._parse_line(line, number)

    async def ask(self, prompt: model.Prompt) -> ports.Answered:
        if prompt.key not in self._answers:
            self._answers[prompt.key] = None
            await asyncio.to_thread(self._write, prompt)
        answer = self._answers[prompt.key]
        if answer is None:
            raise ports.NotYetAnswered(f"the answer file {self._path} has no answer to this prompt yet")
        return ports.Answered(text=json.dumps(answer))

    async def close(self) -> None:
        pass

    def _parse_line(self, line: str, number: int) -> None:
        try:
            entry = json.loads(line)
            self._answers[entry["key"]] = entry["answer"]
        except (ValueError, KeyError, TypeError):
            raise ports.ConfigError(
                f"reading the answer file {self._path}: line {number} is not a JSON object with key and answer"
            ) from None

    def _write(self, prompt: model.Prompt) -> None:
        entry = {
            "key": prompt.key,
            "use": prompt.use.value,
            "instructions": prompt.instructions,
            "data": json.loads(prompt.data),
            "schema": json.loads(prompt.schema),
            "answer": None,
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise ports.ModelUnavailable(f"writing the answer file {self._path}: {error.strerror}") from None
