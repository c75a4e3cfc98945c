"""Read secrets when they are used, warn of missing secrets, and hide secrets that a file contains by mistake."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from bot import keys
from bot.config import blocks
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, pairs_of
from bot.config.problems import ProblemReport
from bot.model.access import Access, Secret
from bot.model.errors import ConfigError
from bot.patterns import LazyPattern

#: Maximum size of a secret file, which is normally one line.
_MAX_BYTES = 64 * 1024


def resolve_secret(secret: Secret, environ: Mapping[str, str]) -> str:
    """Return the secret. Raises ConfigError with the name of the variable or the file, never with its content."""
    if secret.kind == "file":
        return _read_secret_file(secret.name)
    value = environ.get(secret.name, "").strip()
    if not value:
        raise ConfigError(f"the variable {secret.name} is not set: export {secret.name}=… and start again")
    return value


def _read_secret_file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            value = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"the secret file {name} cannot be read: {error.strerror}") from None
    if len(value) > _MAX_BYTES:
        raise ConfigError(f"the secret file {name} is longer than 64 KiB: is it the right file?")
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"the secret file {name} is not text") from None
    if not text:
        raise ConfigError(f"the secret file {name} is empty")
    return text


def warn_if_missing(
    secret: object, place: Node, report: ProblemReport, environ: Mapping[str, str], *, what: str
) -> bool:
    """Warn if the secret is missing, and return whether it is. ``what`` is the consequence, for the message."""
    try:
        if isinstance(secret, Secret):
            resolve_secret(secret, environ)
    except ConfigError as error:
        message, _, remedy = str(error).partition(": ")
        advice = f"{remedy}; until then, {what}" if remedy.startswith("export") else f"until it is readable, {what}"
        report.add(place, "unset-secret", message, advice, severity="warning")
        return True
    return False


def warn_of_access(
    node: Node, access: Access, report: ProblemReport, environ: Mapping[str, str], *, what: str, home: str = ""
) -> None:
    """Warn of secrets that are not set, or that are sent unencrypted to the address ``home``."""
    place = next((key for key, _ in pairs_of(node) if key.value in blocks.types_of(Access)), node)
    for secret in (*access.sent_secrets, access.proxy):
        warn_if_missing(secret, place, report, environ, what=what)
    if home.startswith("http://") and access.sent_secrets:
        message = "its secret is sent unencrypted, over http"
        report.add(place, "secret-in-the-open", message, "write https://", severity="warning")


#: A name that people choose, such as the name of a header. Any other text may be a secret in the wrong place.
_NAME = LazyPattern(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")


def hide_secrets(block: Node | None, shape: blocks.Block, report: ProblemReport, *, also: Collection[str] = ()) -> None:
    """Hide the secrets that are written into a block, whose keys and types are in ``shape``. References stay visible.

    An unknown key is treated as the key that was probably meant; if no key resembles it, its whole value is hidden.
    ``also`` are keys outside ``shape`` that never hold a secret.
    """
    types = blocks.types_of(shape)
    for key, value in pairs_of(block):
        if key.value in also:
            continue
        meant = key.value if key.value in types else _guess_key(key.value, shape)
        if meant:
            hide_value(value, types[meant], report)
        else:
            _hide_whole(value, report)


def _guess_key(written: str, shape: blocks.Block) -> str | None:
    """Return the key that was probably meant, or None. Prefer a key that holds a secret."""
    meant = keys.find_nearest(written, _secret_keys(shape)) or blocks.other_words(shape).get(written.casefold())
    return meant or keys.find_nearest(written, blocks.types_of(shape))


def _secret_keys(shape: blocks.Block) -> list[str]:
    """Return the keys that hold a secret, directly or in an inner block."""
    return [
        key
        for key, form in blocks.types_of(shape).items()
        if blocks.holds_secret(form) or ((inner := blocks.inner_block(form)) and _secret_keys(inner))
    ]


def _hide_whole(value: Node, report: ProblemReport) -> None:
    """Hide the whole value, unless it is a reference."""
    if not (isinstance(value, ScalarNode) and value.value.startswith(("env:", "file:"))):
        report.hide(value.start, value.end)


def hide_value(value: Node, form: object, report: ProblemReport) -> None:
    """Hide the secrets in a value whose type is ``form``."""
    inner = blocks.inner_block(form)
    if not blocks.holds_secret(form) and (inner is None or not _secret_keys(inner)):
        return
    if not isinstance(value, MappingNode):
        # A single value or a list instead of a block may be the secret that belongs inside the block.
        for item in value.items if isinstance(value, SequenceNode) else [value]:
            _hide_whole(item, report)
    elif block := blocks.optional_block(form):
        hide_secrets(value, block, report)
    else:
        for key, item in value.pairs:
            if not _NAME.match(key.value):
                report.hide(key.start, key.end)
            hide_value(item, inner or form, report)
