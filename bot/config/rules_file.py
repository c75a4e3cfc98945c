"""rules/*.yaml: what is watched, one file for each team. Each rule stands or falls alone."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.config import values
from bot.config.rule_context import Context
from bot.config.rule_reader import RuleFileContent, RuleReader, Sets, name_of
from bot.config.rules_shape import RuleShape, SetsShape
from bot.config.settings import LoadedRule
from bot.config.yaml import validation
from bot.config.yaml.nodes import Mapping, Node, Scalar, Sequence, value_of
from bot.config.yaml.problems import ProblemReport

__all__ = ["Context", "RuleFileContent", "parse_rules_file"]

_SETS = Scalar("sets", 0, 0, '"')


def parse_rules_file(
    report: ProblemReport, context: Context, *, previous: tuple[LoadedRule, ...] = ()
) -> RuleFileContent | None:
    """The rules of a file; None: the file as a whole cannot be used, and ``report`` says why.

    Of a refused rule the version in ``previous`` stays.
    """
    root = report.document.root
    if root is None:
        return RuleFileContent()
    top = _top(report, root)
    if top is None:
        return None
    sets = _read_sets(top.get("sets"), report)
    items = top.get("rules")
    content = RuleFileContent()
    refused: list[str] = []
    seen: dict[str, LoadedRule] = {}
    reader = RuleReader(report, context, sets, content, {entry.compiled.rule.name: entry for entry in previous})
    for item in items.items if isinstance(items, Sequence) else ():
        loaded = reader.read(item)
        if loaded is None:
            refused.append(name_of(item))
        elif first := seen.get(loaded.compiled.rule.name):
            _say_twice(report, item, first)
        else:
            seen[loaded.compiled.rule.name] = loaded
            content.rules.append(loaded)
    for flaw in report.document.flaws:
        report.add_flaw(flaw)
    refused += report.document.cut
    # A rule that is not YAML, under a name that is new, may be any that vanished.
    is_whole = all(name in reader.before for name in report.document.cut) and not _has_error_outside(report, items)
    _keep(content, refused, previous, is_top_whole=is_whole)
    return content


def _top(report: ProblemReport, root: Node) -> Mapping | None:
    """The file's own keys; None: its rules cannot be found."""
    if isinstance(root, Sequence):
        report.add("missing-key", "the list has no name", "write rules: on the line above", start=root.start)
        return None
    if isinstance(root, Scalar):
        report.add(
            "wrong-kind", "expected a list of rules", "begin with rules: and, below, - name: …", start=root.start
        )
        return None
    for key, _ in root.pairs:
        if key.value not in ("sets", "rules"):
            help_text = values.did_you_mean(key.value, ["sets", "rules"], otherwise="known here: sets, rules")
            if key.value in RuleShape.model_fields:
                help_text = "keys of a rule belong under rules:, after a dash"
            report.add_at(key, "unknown-key", f'unknown key "{values.shown(key.value)}"', help_text)
    items = root.get("rules")
    if items is None:
        if not report.error_count:
            report.add(
                "missing-key", 'the key "rules" is missing', "write rules: and, below, - name: …", start=root.start
            )
        return None
    is_empty = isinstance(items, Scalar) and not items.value and not items.style
    if not isinstance(items, Sequence) and not is_empty:
        report.add(
            "wrong-kind",
            "a list of rules is expected here",
            "begin each rule with a dash: - name: …",
            start=items.start,
        )
        return None
    return root


def _read_sets(node: Node | None, report: ProblemReport) -> Sets:
    sets = Sets()
    if node is None or (isinstance(node, Scalar) and not node.value):
        return sets
    if not isinstance(node, Mapping):
        report.add("wrong-kind", "sets are names with terms", "write name: [one, two]", start=node.start)
        return sets
    for key, value in node.pairs:
        sets.nodes[key.value] = value
        if not re.fullmatch(r"[\w-]+", key.value):
            report.add_at(
                key,
                "set-name",
                f'"{values.shown(key.value)}" cannot be the name of a set',
                "use letters, digits, _ and -",
            )
            sets.broken.add(key.value)
        one = Mapping([(_SETS, Mapping([(key, _as_list(value))], value.start, value.end, False))], 0, 0, False)
        checked = validation.check(SetsShape, one, report)
        if checked is None or any(flaw.severity == "error" for flaw in report.document.flaws_inside(value)):
            sets.broken.add(key.value)
        elif not checked.sets[key.value]:
            report.add_at(key, "no-value", "an empty set", "name its terms, or remove it")
            sets.broken.add(key.value)
        else:
            sets.terms[key.value] = checked.sets[key.value]
    return sets


def _as_list(node: Node) -> Node:
    is_written = isinstance(node, Scalar) and (node.value or node.style)
    return Sequence([node], node.start, node.end, True) if is_written else node


def _say_twice(report: ProblemReport, node: Node, first: LoadedRule) -> None:
    name = first.compiled.rule.name
    target = value_of(node, "name") or node
    report.add_at(
        target,
        "duplicate-rule",
        f'a second rule "{values.shown(name)}"',
        f"the first is on line {first.line}: give this one another name",
        rule=name,
    )


def _has_error_outside(report: ProblemReport, items: Node | None) -> bool:
    """An error of the file itself: whole rules may have gone missing by it."""
    if items is None or not report.error_count:
        return items is None
    first, last = report.document.place(items.start)[0], report.document.place(items.end)[0]
    return any(found.severity == "error" and not first <= found.line <= last for found in report.finish())


def _keep(
    content: RuleFileContent, refused: list[str], previous: tuple[LoadedRule, ...], *, is_top_whole: bool
) -> None:
    """Put the last good version of each refused rule in its place.

    A rule whose name cannot be read may be any that vanished, so all of them stay until it is repaired.
    """
    good = {entry.compiled.rule.name: entry for entry in previous}
    present = {entry.compiled.rule.name for entry in content.rules}
    wanted = [name for name in refused if name in good]
    if "" in refused or not is_top_whole:
        wanted += [name for name in good if name not in present]
    for name in dict.fromkeys(wanted):
        if name not in present:
            old = good[name]
            content.rules.append(replace(old, is_kept=True))
    content.off += [name or "(a rule without a name)" for name in refused if name not in good and name not in present]
