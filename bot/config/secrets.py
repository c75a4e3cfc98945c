"""Read the secrets that ``env:`` and ``file:`` name, at the moment of use; the only place that holds their text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from bot import model, ports

#: Maximum size of a secret file, which is normally one line.
_LONGEST_BYTES = 64 * 1024


def resolve(secret: model.Secret, environ: Mapping[str, str]) -> str:
    """Return the secret. Raises ConfigError, which names the variable or the file and never its content."""
    match secret.kind:
        case model.SecretKind.ENV:
            value = environ.get(secret.name, "").strip()
            if not value:
                raise ports.ConfigError(
                    f"the variable {secret.name} is not set: export {secret.name}=… and start again"
                )
            return value
        case model.SecretKind.FILE:
            return _from_file(secret.name)
        case _:
            assert_never(secret.kind)


def _from_file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            value = file.read(_LONGEST_BYTES + 1)
    except OSError as error:
        raise ports.ConfigError(f"the secret file {name} cannot be read: {error.strerror}") from None
    if len(value) > _LONGEST_BYTES:
        raise ports.ConfigError(f"the secret file {name} is longer than 64 KiB: is it the right file?")
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        raise ports.ConfigError(f"the secret file {name} is not text") from None
    if not text:
        raise ports.ConfigError(f"the secret file {name} is empty")
    return text


def why_missing(secret: model.Secret, environ: Mapping[str, str]) -> str | None:
    """Return why a secret is not available, or None if it is."""
    try:
        resolve(secret, environ)
    except ports.ConfigError as error:
        return str(error)
    return None
