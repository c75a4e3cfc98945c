"""Apply environment variables in place of keys of bot.yaml. ``WIREWATCH_FETCH_EVERY`` sets ``fetch: {every: …}``.

Each variable is added after the last line of the file's text, so that its mistakes are reported like any other mistake.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from bot import keys
from bot.config import blocks, bot_keys, nodes
from bot.config.bot_keys import BotSettings
from bot.config.nodes import Document, MappingNode, Node, ScalarNode
from bot.config.problems import ProblemReport
from bot.config.yaml_errors import Flaw, UnreadableYaml

PREFIX = "WIREWATCH_"
LOG_LEVEL, LOG_FORMAT = "WIREWATCH_LOG_LEVEL", "WIREWATCH_LOG_FORMAT"


def list_variables() -> dict[str, tuple[str, ...]]:
    """Return the path of each key in bot.yaml, by the name of its variable. Blocks of keys have variables too."""
    return {PREFIX + "_".join(path).upper(): path for path in _key_paths(BotSettings)}


def _key_paths(block: blocks.Block) -> Iterator[tuple[str, ...]]:
    for name, form in blocks.types_of(block).items():
        yield (name,)
        if inner := blocks.optional_block(form):
            yield from ((name, *path) for path in _key_paths(inner))


def apply_environment(report: ProblemReport, environ: Mapping[str, str]) -> None:
    """Apply the environment variables to the report's document. An empty variable counts as unset."""
    paths = list_variables()
    variables_set = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value.strip()}
    root = report.document.root
    if not variables_set or not isinstance(root, MappingNode):
        return
    text = report.document.text.rstrip() + "\n"
    first_line = text.count("\n") + 1
    flaws = list(report.document.flaws)
    misspelt: list[tuple[str, int, str]] = []
    for name in sorted(variables_set):
        if name in paths:
            line = text.count("\n") + 2 - first_line
            text, node, new_flaws = _append_variable(text, name, paths[name], variables_set[name], line=line)
            flaws += new_flaws
            _set_at_path(
                root, paths[name], ScalarNode(paths[name][-1], len(text.rstrip()), len(text.rstrip()), ""), node
            )
        elif meant := _guess_variable(name, paths, report.document.text):
            misspelt.append((name, len(text), meant))
            text += f"{name}: …\n"
    report.append_environment(Document(text, root, flaws), first_line)
    for name, start, meant in misspelt:
        place = ScalarNode(name, start, start + len(name), "")
        message = f"{name} does not set a key of bot.yaml"
        report.add(place, "unknown-variable", message, f"did you mean {meant}?", severity="warning")


def _guess_variable(name: str, names: Iterable[str], text: str) -> str | None:
    """Return the variable that was probably meant, or None if ``name`` is in use or resembles no variable."""
    if name in (bot_keys.HOME_VARIABLE, LOG_LEVEL, LOG_FORMAT) or f"env:{name}" in text:
        return None
    nearest = keys.find_nearest(name.removeprefix(PREFIX), [candidate.removeprefix(PREFIX) for candidate in names])
    return PREFIX + nearest if nearest else None


def _append_variable(
    text: str, name: str, path: tuple[str, ...], value: str, *, line: int
) -> tuple[str, Node, list[Flaw]]:
    """Return the text with the variable's line, its value as a node of that text, and its YAML flaws.

    ``line`` is the number of that line among the lines of all variables.
    """
    start = len(text) + len(name) + 2
    written = value.strip()
    if _is_secret(path) and not written.startswith(("env:", "file:")):
        # Write the name of the variable into the document, never the secret itself.
        written = f"env:{name}"
    if "\n" not in written and written[0] not in "[{":
        return f"{text}{name}: {written}\n", ScalarNode(written, start, start + len(written), ""), []
    block = f"{name}: {written}" if "\n" not in written else f"{name}:\n{textwrap.indent(written, '  ')}"
    try:
        # Put one line feed for each character of the text in front, so that offsets are those of the whole text.
        document = nodes.parse_yaml("\n" * len(text) + block, first_line=line - len(text))
    except UnreadableYaml as error:
        return f"{text}{block}\n", ScalarNode("", start, start, ""), [error.flaw]
    [(_, node)] = nodes.pairs_of(document.root)
    return f"{text}{block}\n", node, document.flaws


def _is_secret(path: tuple[str, ...]) -> bool:
    block = blocks.block_at(BotSettings, path[:-1])
    return block is not None and blocks.holds_secret(blocks.types_of(block)[path[-1]])


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
