"""Replace ``${NAME}`` in the values of bot.yaml by environment variables. ``$${`` is a literal ``${``.

A variable holds one value, never YAML. Secrets have their own form, ``env:NAME``, which is read when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.config import nodes
from bot.config.problems import ProblemReport
from bot.config.yaml_errors import Flaw
from bot.patterns import LazyPattern

_REFERENCE = LazyPattern(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


def fill_in(report: ProblemReport, environ: Mapping[str, str]) -> None:
    """Replace the references in the values of the report's document, and add a flaw for each that cannot be replaced.

    Messages of the report show the reference instead of the value, because a variable may hold a secret.
    """
    document = report.document
    for scalar in nodes.walk(document.root) if document.root else ():
        if "${" not in scalar.value:
            continue
        pieces, end = [], 0
        for match in _REFERENCE.finditer(scalar.value):
            name = match["name"]
            value = environ.get(name, "").strip() if name else "${"
            if not value or match[0] == "${":
                document.flaws.append(_make_flaw(name, *nodes.find_span(document, scalar, match.start(), match.end())))
            elif name:
                report.conceal(scalar, value, match[0])
            pieces += [scalar.value[end : match.start()], value]
            end = match.end()
        scalar.value = "".join(pieces) + scalar.value[end:]
    document.flaws.sort(key=lambda flaw: flaw.start)


def _make_flaw(name: str | None, start: int, end: int) -> Flaw:
    if name is None:
        advice = "write ${NAME}, with letters, digits and _; for these two characters themselves, write $${"
        return Flaw("variable", "${ begins the name of an environment variable", advice, start, end)
    message = f"the environment variable {name} is not set"
    advice = f"export {name}=… and start again, or write the value here; for this text itself, write $${{{name}}}"
    return Flaw("variable", message, advice, start, end)
