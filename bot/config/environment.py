"""Apply environment variables in place of keys of bot.yaml. ``WIREWATCH_FETCH_EVERY`` sets ``fetch: {every: …}``.

Each variable is a document, so that its mistakes are reported like any other mistake.
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from bot import keys
from bot.config import blocks, nodes
from bot.config.nodes import MappingNode, Node, ScalarNode, YamlDocument
from bot.config.problems import ENVIRONMENT, ProblemReport
from bot.config.settings import HOME_VARIABLE, BotSettings
from bot.config.yaml_errors import UnreadableYaml

PREFIX = "WIREWATCH_"
LOG_LEVEL, LOG_FORMAT = "WIREWATCH_LOG_LEVEL", "WIREWATCH_LOG_FORMAT"


@functools.cache
def list_variables() -> Mapping[str, tuple[str, ...]]:
    """Return the path of each key in bot.yaml, by the name of its variable. Blocks of keys have variables too."""
    return {PREFIX + "_".join(path).upper(): path for path in _key_paths(BotSettings)}


def _key_paths(block: blocks.Block) -> Iterator[tuple[str, ...]]:
    for name, form in blocks.types_of(block).items():
        yield (name,)
        if inner := blocks.optional_block(form):
            yield from ((name, *path) for path in _key_paths(inner))


def apply_environment(report: ProblemReport, environ: Mapping[str, str]) -> None:
    """Set the keys of the report's document that environment variables set. An empty variable counts as unset."""
    paths = list_variables()
    root = report.document.root
    if not isinstance(root, MappingNode):
        return
    for name in sorted(name for name, value in environ.items() if name.startswith(PREFIX) and value.strip()):
        if name in paths:
            document = _read_variable(name, paths[name], environ[name].strip())
            start = report.add_document(ENVIRONMENT, document)
            for flaw in document.flaws:
                report.add((start + flaw.start, start + flaw.end), flaw.code, flaw.message, flaw.help)
            [(key, value)] = nodes.pairs_of(document.root)
            for node in (key, value):
                nodes.shift(node, start)
            _set_at_path(root, paths[name], ScalarNode(paths[name][-1], key.start, key.end, ""), value)
        elif meant := _guess_variable(name, paths, report.document.text):
            start = report.add_document(ENVIRONMENT, YamlDocument(f"{name}: …", None))
            message = f"{name} does not set a key of bot.yaml"
            place = (start, start + len(name))
            report.add(place, "unknown-variable", message, f"did you mean {meant}?", severity="warning")


def _guess_variable(name: str, names: Iterable[str], text: str) -> str | None:
    """Return the variable that was probably meant, or None if ``name`` is in use or resembles no variable."""
    if name in (HOME_VARIABLE, LOG_LEVEL, LOG_FORMAT) or f"env:{name}" in text:
        return None
    nearest = keys.find_nearest(name.removeprefix(PREFIX), [candidate.removeprefix(PREFIX) for candidate in names])
    return PREFIX + nearest if nearest else None


def _read_variable(name: str, path: tuple[str, ...], written: str) -> YamlDocument:
    """Return a document with the variable as its only key. Only lists and blocks are read as YAML."""
    block = blocks.block_at(BotSettings, path[:-1])
    is_secret = block is not None and blocks.holds_secret(blocks.types_of(block)[path[-1]])
    if is_secret and not written.startswith(("env:", "file:")):
        # Write the name of the variable into the document, never the secret itself.
        written = f"env:{name}"
    text = f"{name}:\n{textwrap.indent(written, '  ')}\n" if "\n" in written else f"{name}: {written}\n"
    key, start = ScalarNode(name, 0, len(name), ""), len(name) + 2
    if "\n" not in written and written[0] not in "[{":
        return YamlDocument(
            text, MappingNode([(key, ScalarNode(written, start, start + len(written), ""))], 0, start, False)
        )
    try:
        return nodes.parse_yaml(text)
    except UnreadableYaml as error:
        return YamlDocument(text, MappingNode([(key, ScalarNode("", start, start, ""))], 0, start, False), [error.flaw])


def _set_at_path(root: MappingNode, path: tuple[str, ...], key: ScalarNode, value: Node) -> None:
    """Set the key at the path, and replace the value that the file has there."""
    block = root
    for name in path[:-1]:
        inner = block.get(name)
        if not isinstance(inner, MappingNode):
            inner = MappingNode([], value.start, value.start, is_flow=False)
            _set_key(block, ScalarNode(name, value.start, value.start, ""), inner)
        block = inner
    _set_key(block, key, value)


def _set_key(block: MappingNode, key: ScalarNode, value: Node) -> None:
    kept = [pair for pair in block.pairs if pair[0].value != key.value]
    block.pairs[:] = [*kept, (key, value)]
