"""Read rules/*.yaml: what is watched, one file for each team. A broken rule does not affect the others."""

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

_SETS = Scalar("sets", 0, 0, '"')


def parse_rules_file(
    report: ProblemReport, context: Context, *, previous: tuple[LoadedRule, ...] = ()
) -> RuleFileContent | None:
    """Read the rules of a file; return None if the whole file cannot be used (the errors are in the report).

    A refused rule keeps its version in ``previous``.
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
    rules_by_name: dict[str, LoadedRule] = {}
    reader = RuleReader(report, context, sets, content, {entry.compiled.rule.name: entry for entry in previous})
    for item in items.items if isinstance(items, Sequence) else ():
        loaded = reader.read(item)
        if loaded is None:
            refused.append(name_of(item))
        elif first := rules_by_name.get(loaded.compiled.rule.name):
            _say_twice(report, item, first)
        else:
            rules_by_name[loaded.compiled.rule.name] = loaded
            content.rules.append(loaded)
    for flaw in report.document.flaws:
        report.add_flaw(flaw)
    refused += report.document.cut
    # A rule that is not YAML and has a new name may be any rule that is missing now.
    is_whole = all(name in reader.previous for name in report.document.cut) and not _has_error_outside(report, items)
    _keep(content, refused, previous, is_top_whole=is_whole)
    return content


def _top(report: ProblemReport, root: Node) -> Mapping | None:
    """Return the file's top mapping, or None if its rules cannot be found."""
    if isinstance(root, Sequence):
        report.add("missing-key", "the list has no key", "write rules: on the line above", start=root.start)
        return None
    if isinstance(root, Scalar):
        report.add(
            "wrong-kind", "expected a list of rules", "begin with rules: and, below, - name: …", start=root.start
        )
        return None
    for key, _ in root.pairs:
        if key.value not in ("sets", "rules"):
            help_text = values.did_you_mean(key.value, ["sets", "rules"], otherwise="the keys here are sets, rules")
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
        report.add("wrong-kind", "sets needs names with lists of terms", "write name: [one, two]", start=node.start)
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
        single_set = Mapping([(_SETS, Mapping([(key, _as_list(value))], value.start, value.end, False))], 0, 0, False)
        checked = validation.check(SetsShape, single_set, report)
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
    """Return whether an error outside the rules may hide whole rules."""
    if items is None or not report.error_count:
        return items is None
    first, last = report.document.place(items.start)[0], report.document.place(items.end)[0]
    return any(problem.severity == "error" and not first <= problem.line <= last for problem in report.finish())


def _keep(
    content: RuleFileContent, refused: list[str], previous: tuple[LoadedRule, ...], *, is_top_whole: bool
) -> None:
    """Put the last good version of each refused rule in its place.

    A rule whose name cannot be read may be any missing rule, so all of them stay until it is repaired.
    """
    previous_by_name = {entry.compiled.rule.name: entry for entry in previous}
    present = {entry.compiled.rule.name for entry in content.rules}
    wanted = [name for name in refused if name in previous_by_name]
    if "" in refused or not is_top_whole:
        wanted += [name for name in previous_by_name if name not in present]
    for name in dict.fromkeys(wanted):
        if name not in present:
            kept_entry = previous_by_name[name]
            content.rules.append(replace(kept_entry, is_kept=True))
    content.off += [
        name or "(a rule without a name)" for name in refused if name not in previous_by_name and name not in present
    ]
