"""Resolve a relative path in an SQLite address, so that two configurations never share one archive by accident."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from bot import ports

#: Variable with the folder for relative paths, instead of the folder of bot.yaml, which may be read-only.
HOME = "WIREWATCH_HOME"


def start(folder: Path, environ: Mapping[str, str]) -> Path:
    """Return the absolute folder that a relative path starts from; ``folder`` is the folder of bot.yaml."""
    return Path(environ.get(HOME) or folder).absolute()


def absolute(address: str, base: Path) -> str:
    """Return the address with an absolute path; only a relative SQLite address changes. Raises ConfigError."""
    scheme, path = _relative(address)
    if not path:
        return address
    if "?" in str(base):
        raise ports.ConfigError(f"placing the database in {base}: an address cannot hold a ?; rename the folder")
    return f"{scheme}:///{base / path}"


def refuse_stray(address: str, base: Path) -> None:
    """Raise ConfigError if the archive of ``address`` is still where earlier versions kept it.

    Their paths started from the working directory. A second archive would announce everything again.
    """
    _, path = _relative(address)
    new, old = base / path, Path(path).absolute()
    if not path or new.exists() or not old.is_file() or old.resolve() == new.resolve():
        return
    folder, file = shlex.quote(str(new.parent)), shlex.quote(str(old))
    lines = (
        f"A relative path starts from the folder of bot.yaml (or from {HOME}), no longer from the working directory.",
        "Stop the bot, then move the archive:",
        f"  mkdir -p {folder} && mv {file}* {folder}/",
        "or, where that archive belongs to another configuration, begin with an empty one:",
        f"  mkdir -p {folder} && touch {shlex.quote(str(new))}",
    )
    advice = "\n".join(lines)
    raise ports.ConfigError(f"opening the database {new}: no such file, but {old} exists. {advice}")


def _relative(address: str) -> tuple[str, str]:
    """Return the scheme and the path of a relative SQLite address; an empty path for any other."""
    scheme, _, path = address.strip().partition(":///")
    is_relative = scheme.partition("+")[0] == "sqlite" and not path.startswith(("/", ":memory:"))
    return scheme, path.partition("?")[0] if is_relative else ""
