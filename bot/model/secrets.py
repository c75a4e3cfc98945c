"""A reference to a secret: where it is kept, never its value.

Reads nothing: ``config.resolve`` opens the variable or the file, at the edge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class SecretKind(StrEnum):
    """Where a secret is kept."""

    ENV = "env"
    FILE = "file"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """``env:NAME`` or ``file:/path``; prints as ``***``.

    >>> secret = Secret.parse("env:SLACK_BOT_TOKEN")
    >>> secret, secret.reference
    (***, 'env:SLACK_BOT_TOKEN')
    """

    kind: SecretKind
    #: The variable's name or the file's path.
    name: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """Parse a reference. Raises ValueError, whose text never repeats the input: it may be the secret itself."""
        if isinstance(text, cls):
            return text
        kind, colon, name = text.strip().partition(":") if isinstance(text, str) else ("", "", "")
        if kind == "env" and colon:
            if not _ENV_NAME.match(name):
                raise ValueError("after env: comes the name of an environment variable: letters, digits and _")
            return cls(SecretKind.ENV, name)
        if kind == "file" and colon:
            if not name.strip() or "\0" in name:
                raise ValueError("after file: comes the path of a file")
            return cls(SecretKind.FILE, name.strip())
        raise ValueError("a secret is not written into the configuration: use env:NAME or file:/path")

    @property
    def reference(self) -> str:
        """The reference for messages: ``env:SLACK_BOT_TOKEN``."""
        return f"{self.kind}:{self.name}"

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    # pydantic finds the two hooks by name, so an options model can have ``token: model.Secret`` without an import of
    # pydantic here (https://docs.pydantic.dev/latest/concepts/types/#customizing-validation-with-__get_pydantic_core_schema__).
    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: Callable[[object], Mapping[str, object]]
    ) -> Mapping[str, object]:
        return {
            "type": "function-before",
            "function": {"type": "no-info", "function": cls.parse},
            "schema": {"type": "is-instance", "cls": cls},
            "serialization": {"type": "to-string"},
        }

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: object, handler: Callable[[object], dict[str, object]]
    ) -> dict[str, object]:
        return {
            "type": "string",
            "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
            "description": "env:NAME or file:/path; never the secret itself.",
        }
