"""rules/*.yaml: what is watched, a file a desk. Each rule stands or falls alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from bot import model, rules
from bot.config import places, values, wording
from bot.config.nodes import Mapping, Node, Scalar, Sequence
from bot.config.problems import Report
from bot.config.rules_shape import RuleShape, SetsShape
from bot.config.settings import LoadedRule

_SET = re.compile(r"\$([\w-]+)")
_SETS = Scalar("sets", 0, 0, '"')
_FIELD = re.compile(r"(title|body):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a rule file needs to know of the others."""

    #: None: unknown, since bot.yaml is not readable; then no rule is blamed for its channel.
    channels: frozenset[str] | None
    #: Names, addresses and tags of feeds; None: unknown.
    feeds: frozenset[str] | None
    zone: ZoneInfo

    def known(self, kind: str) -> frozenset[str] | None:
        return self.channels if kind == "channel" else self.feeds

    def missing(self, needs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those that no file has."""
        return frozenset(
            (kind, name) for kind, name in needs if (known := self.known(kind)) is not None and name not in known
        )


@dataclass(slots=True)
class Desk:
    """One rule file as read."""

    rules: list[LoadedRule] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    needs: set[tuple[str, str]] = field(default_factory=set)
    uses_zone: bool = False


@dataclass(slots=True)
class _Sets:
    """The sets of one file."""

    terms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def used_by(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Names of the sets that these texts use, also by way of other sets; in order of name."""
        found: set[str] = set()
        waiting = [name for text in texts if "$" in text for name in _SET.findall(text)]
        while waiting:
            name = waiting.pop()
            if name not in found and name in self.nodes:
                found.add(name)
                waiting += [inner for text in self.terms.get(name, ()) for inner in _SET.findall(text)]
        return tuple(sorted(found))


def read(report: Report, context: Context, *, previous: tuple[LoadedRule, ...] = ()) -> Desk | None:
    """The rules of a file; None: the file as a whole cannot be used, and ``report`` says why.

    Of a refused rule the version in ``previous`` stays.
    """
    root = report.document.root
    if root is None:
        return Desk()
    top = _top(report, root)
    if top is None:
        return None
    sets = _read_sets(top.get("sets"), report)
    items = top.get("rules")
    desk = Desk()
    refused: list[str] = []
    seen: dict[str, LoadedRule] = {}
    for item in items.items if isinstance(items, Sequence) else ():
        loaded = _Reader(report, context, sets, desk).read(item)
        if loaded is None:
            refused.append(_name_of(item))
        elif first := seen.get(loaded.compiled.rule.name):
            _say_twice(report, item, first)
        else:
            seen[loaded.compiled.rule.name] = loaded
            desk.rules.append(loaded)
    for flaw in report.document.flaws:
        report.add_flaw(flaw)
    _keep(desk, refused, previous, is_top_whole=not _has_error_outside(report, items))
    return desk


def _top(report: Report, root: Node) -> Mapping | None:
    """The file's own keys; None: its rules cannot be found."""
    if isinstance(root, Sequence):
        report.add("missing-key", "the list has no name", "write rules: on the line above", start=root.start)
        return None
    if isinstance(root, Scalar):
        report.add("wrong-kind", "this is no rule file", "begin with rules: and, below, - name: …", start=root.start)
        return None
    for key, _ in root.pairs:
        if key.value not in ("sets", "rules"):
            help_text = values.did_you_mean(key.value, ["sets", "rules"], otherwise="known here: sets, rules")
            if key.value in RuleShape.model_fields:
                help_text = "keys of a rule stand under rules:, after a dash"
            report.add(
                "unknown-key", f'unknown key "{values.shown(key.value)}"', help_text, start=key.start, end=key.end
            )
    items = root.get("rules")
    if items is None:
        if not any(problem.code == "unknown-key" for problem in report.finish()):
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


def _read_sets(node: Node | None, report: Report) -> _Sets:
    sets = _Sets()
    if node is None or (isinstance(node, Scalar) and not node.value):
        return sets
    if not isinstance(node, Mapping):
        report.add("wrong-kind", "sets are names with terms", "write name: [one, two]", start=node.start)
        return sets
    for key, value in node.pairs:
        sets.nodes[key.value] = value
        if not re.fullmatch(r"[\w-]+", key.value):
            report.add(
                "set-name",
                f'"{values.shown(key.value)}" cannot be the name of a set',
                "use letters, digits, _ and -",
                start=key.start,
                end=key.end,
            )
            sets.broken.add(key.value)
        one = Mapping([(_SETS, Mapping([(key, _as_list(value))], value.start, value.end, False))], 0, 0, False)
        checked = wording.check(SetsShape, one, report)
        if checked is None or any(flaw.severity == "error" for flaw in report.document.flaws_inside(value)):
            sets.broken.add(key.value)
        elif not checked.sets[key.value]:
            report.add("no-value", "an empty set", "name its terms, or remove it", start=key.start, end=key.end)
            sets.broken.add(key.value)
        else:
            sets.terms[key.value] = checked.sets[key.value]
    return sets


def _as_list(node: Node) -> Node:
    is_written = isinstance(node, Scalar) and (node.value or node.style)
    return Sequence([node], node.start, node.end, True) if is_written else node


@dataclass(slots=True)
class _Reader:
    """One rule of one file."""

    report: Report
    context: Context
    sets: _Sets
    desk: Desk

    def read(self, node: Node) -> LoadedRule | None:
        """None: refused, and the report says why."""
        if not isinstance(node, Mapping):
            self._say_no_rule(node)
            return None
        name = _name_of(node)
        errors_before = self.report.error_count
        flaws = self.report.document.flaws_inside(node)
        for flaw in flaws:
            self.report.add_flaw(flaw, rule=name or None)
        shape = wording.check(RuleShape, node, self.report, rule=name or None)
        if shape is None or any(flaw.severity == "error" for flaw in flaws):
            return None
        rule = self._rule(shape)
        self._check_names(rule, node)
        self._check_sets(rule, node)
        try:
            compiled = rules.compile_rule(rule)
        except rules.RuleError as error:
            for problem in error.problems:
                self._say(problem, node, rule, "error")
            return None
        if self.report.error_count > errors_before:
            return None
        for problem in rules.warnings(rule):
            self._say(problem, node, rule, "warning")
        key = node.get("name") or node
        line, column = self.report.document.place(key.start)
        return LoadedRule(compiled=compiled, line=line, column=column)

    def _say_no_rule(self, node: Node) -> None:
        help_text = "write - name: and its other keys below, indented"
        if isinstance(node, Scalar) and (stuck := re.match(r"([a-z_]+):(\S.*)", node.value)):
            help_text = f"a space is missing after the colon: {stuck[1]}: {values.shown(stuck[2])}"
        self.report.add("wrong-kind", "this is no rule", help_text, start=node.start, end=node.end)

    def _rule(self, shape: RuleShape) -> model.Rule:
        zone = self.context.zone
        digest = shape.when and model.Digest(at=shape.when[0], zone=shape.when[1] or zone)
        until = None
        if shape.until is not None:
            moment, is_day = shape.until
            until = ((moment + timedelta(days=1)) if is_day else moment).replace(tzinfo=zone).astimezone(UTC)
        if shape.until is not None or (shape.when and shape.when[1] is None):
            self.desk.uses_zone = True
        lines = {
            key: tuple(model.Line(label=label, terms=terms) for label, terms in (getattr(shape, key) or {}).items())
            for key in ("all", "any", "none")
        }
        texts = [text for key in lines for line in lines[key] for text in line.terms] + [shape.query or ""]
        used = tuple((name, self.sets.terms.get(name, ())) for name in self.sets.used_by(texts))
        self.desk.needs.update(("channel", name) for name in shape.notify)
        self.desk.needs.update(("feed", name) for name in shape.feeds)
        return model.Rule(
            name=shape.name,
            notify=tuple(dict.fromkeys(shape.notify)),
            all=lines["all"],
            any=lines["any"],
            none=lines["none"],
            query=shape.query,
            where=shape.where,
            feeds=tuple(dict.fromkeys(shape.feeds)),
            severity=shape.severity,
            min_outlets=shape.min_outlets,
            cooldown=shape.cooldown,
            digest=digest,
            until=until,
            paused=shape.paused,
            expect=shape.expect,
            remind=shape.remind,
            note=shape.note,
            must_match=tuple(model.Example(title=each.title, body=each.body) for each in shape.must_match),
            must_not_match=tuple(model.Example(title=each.title, body=each.body) for each in shape.must_not_match),
            sets=used,
            version=_version(shape, lines, used),
        )

    def _check_names(self, rule: model.Rule, node: Mapping) -> None:
        for kind, key, names, where in (
            ("channel", "notify", rule.notify, "bot.yaml"),
            ("feed", "feeds", rule.feeds, "feeds.yaml (by name, address or tag)"),
        ):
            known = self.context.known(kind)
            if known is None:
                continue
            for name in (name for name in names if name not in known):
                found = _item_reading(node.get(key), name) or node
                otherwise = f"{where} has {', '.join(sorted(known))}" if len(known) <= 8 else f"add it to {where}"
                self.report.add(
                    f"unknown-{kind}",
                    f'no {kind} "{values.shown(name)}" in {where.split(" ")[0]}',
                    values.did_you_mean(name, sorted(known), otherwise=otherwise),
                    start=found.start,
                    end=found.end,
                    rule=rule.name,
                )

    def _check_sets(self, rule: model.Rule, node: Mapping) -> None:
        for name in (name for name, _ in rule.sets if name in self.sets.broken):
            self.report.add(
                "broken-set",
                f"the set ${name} has a problem, so this rule cannot be used",
                "mend the set",
                start=(node.get("name") or node).start,
                end=(node.get("name") or node).end,
                rule=rule.name,
            )

    def _say(self, problem: rules.RuleProblem, node: Mapping, rule: model.Rule, severity: str) -> None:
        start, end = self._span(problem, node)
        help_text = problem.help
        if problem.code == "unknown-set":
            word = self.report.document.text[start:end].strip("$ ")
            help_text = values.did_you_mean(word, self.sets.nodes, otherwise=help_text or "")
        self.report.add(
            problem.code, problem.message, help_text, start=start, end=end, rule=rule.name, severity=severity
        )

    def _span(self, problem: rules.RuleProblem, node: Mapping) -> tuple[int, int]:
        document = self.report.document
        if problem.place[:1] == ("sets",) and len(problem.place) > 1:
            target, key = places.find(self.sets.nodes.get(str(problem.place[1]), node), problem.place[2:])
        else:
            target, key = places.find(node, problem.place)
        if target is node:
            key = key or (node.pairs[0][0] if node.pairs else None)
        start, end = problem.start, problem.end
        if isinstance(target, Mapping) and len(target.pairs) == 1 and target is not node:
            target, start, end = _inside_shorthand(target, start, end)
        if isinstance(target, Scalar):
            if problem.end <= problem.start:
                return target.start, target.end
            blank = len(target.value) - len(target.value.lstrip())
            return places.span(document, target, start + blank, end + blank)
        if key is not None:
            return key.start, key.end
        return target.start, target.end if isinstance(target, Sequence) and target.is_flow else target.start + 1


def _inside_shorthand(node: Mapping, start: int, end: int) -> tuple[Scalar | Mapping, int, int]:
    """Offsets in a term that YAML read as a mapping: ``{EXACT}``, ``title: X``."""
    key, value = node.pairs[0]
    if isinstance(value, Scalar) and not value.value and not value.style:
        return key, start - 1, end - 1
    if _FIELD.fullmatch(key.value + ":"):
        skipped = len(key.value) + 1
        if end <= skipped:
            return key, start, end
        if isinstance(value, Scalar):
            return value, start - skipped, end - skipped
        if isinstance(value, Mapping) and value.pairs:
            return value.pairs[0][0], start - skipped - 1, end - skipped - 1
    return node, start, end


def _item_reading(node: Node | None, text: str) -> Scalar | None:
    items = node.items if isinstance(node, Sequence) else [node] if node else []
    return next((item for item in items if isinstance(item, Scalar) and item.value.strip() == text), None)


def _name_of(node: Node) -> str:
    name = node.get("name") if isinstance(node, Mapping) else None
    return name.value.strip() if isinstance(name, Scalar) else ""


def _say_twice(report: Report, node: Node, first: LoadedRule) -> None:
    name = first.compiled.rule.name
    target = (node.get("name") if isinstance(node, Mapping) else None) or node
    report.add(
        "duplicate-rule",
        f'a second rule "{values.shown(name)}"',
        f"the first stands on line {first.line}: give this one another name",
        start=target.start,
        end=target.end,
        rule=name,
    )


def _has_error_outside(report: Report, items: Node | None) -> bool:
    """An error of the file itself: whole rules may have gone missing by it."""
    if items is None or not report.error_count:
        return items is None
    first, last = report.document.place(items.start)[0], report.document.place(items.end)[0]
    return any(found.severity == "error" and not first <= found.line <= last for found in report.finish())


def _keep(desk: Desk, refused: list[str], previous: tuple[LoadedRule, ...], *, is_top_whole: bool) -> None:
    """Put the last good version of each refused rule in its place.

    A rule whose name cannot be read may be any that vanished, so all of them stay until it is mended.
    """
    good = {entry.compiled.rule.name: entry for entry in previous}
    present = {entry.compiled.rule.name for entry in desk.rules}
    wanted = [name for name in refused if name in good]
    if "" in refused or not is_top_whole:
        wanted += [name for name in good if name not in present]
    for name in dict.fromkeys(wanted):
        if name not in present:
            old = good[name]
            desk.rules.append(LoadedRule(compiled=old.compiled, line=old.line, column=old.column, is_kept=True))
    desk.off += [name or "(a rule without a name)" for name in refused if name not in good and name not in present]


def _version(
    shape: RuleShape, lines: dict[str, tuple[model.Line, ...]], used: tuple[tuple[str, tuple[str, ...]], ...]
) -> str:
    """Changes with all that decides what a rule matches and whom it tells; not with a note or an example."""
    told = [
        shape.name,
        shape.notify,
        [(key, [(line.label, line.terms) for line in lines[key]]) for key in ("all", "any", "none")],
        shape.query,
        shape.where.value,
        shape.feeds,
        used,
    ]
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:16]
