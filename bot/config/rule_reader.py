"""Read one rule of a rule file into a compiled rule, or report every problem that it has.

The place of each word of the rule is known, so that a problem inside a query or a list item gets its caret.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import pydantic

from bot import model, rules
from bot.config import list_items, model_shape, values
from bot.config.rule_context import Context
from bot.config.rules_shape import RuleShape
from bot.config.settings import LoadedRule
from bot.config.yaml import places, validation
from bot.config.yaml.nodes import Mapping, Node, Scalar, Sequence, scalars, value_of
from bot.config.yaml.problems import ProblemReport

_SET = re.compile(r"\$([\w-]+)")
#: Problems that an unreadable part of a rule may cause in its other parts.
_FOLLOWING = frozenset({"must-match", "must-not-match", "only-negatives"})
_CONTENT = ("all", "any", "none", "query", "where")


@dataclass(slots=True)
class RuleFileContent:
    """The content of one rule file."""

    rules: list[LoadedRule] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    needs: set[tuple[str, str]] = field(default_factory=set)
    uses_zone: bool = False


@dataclass(slots=True)
class Sets:
    """The sets of one file."""

    terms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def used_by(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the sets that these texts use, also through other sets, in order of name."""
        names: set[str] = set()
        waiting = [name for text in texts if "$" in text for name in _SET.findall(text)]
        while waiting:
            name = waiting.pop()
            if name not in names and name in self.nodes:
                names.add(name)
                waiting += [inner for text in self.terms.get(name, ()) for inner in _SET.findall(text)]
        return tuple(sorted(names))


@dataclass(slots=True)
class RuleReader:
    """Reads the rules of one file."""

    report: ProblemReport
    context: Context
    sets: Sets
    content: RuleFileContent
    #: The rules as last read, by name: an unchanged rule is not compiled and tried again.
    previous: dict[str, LoadedRule] = field(default_factory=dict)

    def read(self, node: Node) -> LoadedRule | None:
        """Read a rule; return None if it has errors (they are in the report)."""
        if not isinstance(node, Mapping):
            self._say_no_rule(node)
            return None
        name = name_of(node)
        error_count = self.report.error_count
        flaws = self.report.document.flaws_inside(node)
        for flaw in flaws:
            self.report.add_flaw(flaw, rule=name or None)
        shape, bad = validation.check_parts(RuleShape, node, self.report, rule=name or None)
        self._check_names(node, name)
        list_items.warn_of_commas(node, self.report, name)
        if any(flaw.severity == "error" for flaw in flaws):
            return None
        if shape is None:
            self._look_further(node, bad)
            return None
        rule = self._rule(shape)
        self._warn_of_no_effect(rule, node)
        if self._uses_broken_set(rule, node):
            return None
        previous = self.previous.get(rule.name)
        if previous is not None and previous.compiled.rule == rule:
            compiled: rules.CompiledRule | None = previous.compiled
            warnings = previous.warnings
        else:
            compiled = self._compile(rule, node)
            warnings = rules.warnings(compiled) if compiled is not None and self.context.wants_warnings else ()
        if compiled is None or self.report.error_count > error_count:
            return None
        for problem in warnings:
            self._say(problem, node, rule, "warning")
        key = node.get("name") or node
        line, column = self.report.document.place(key.start)
        return LoadedRule(compiled=compiled, line=line, column=column, warnings=warnings)

    def _compile(
        self, rule: model.Rule, node: Mapping, *, leaving_out: frozenset[str] = frozenset()
    ) -> rules.CompiledRule | None:
        try:
            return rules.compile_rule(rule, steps=self.context.steps)
        except rules.RuleError as error:
            for problem in error.problems:
                if problem.code not in leaving_out:
                    self._say(problem, node, rule, "error")
            return None

    def _look_further(self, node: Mapping, bad: frozenset[str]) -> None:
        """Report the problems in the terms of a rule whose keys have errors, so that all come at once."""
        valid_part = Mapping([pair for pair in node.pairs if pair[0].value not in bad], node.start, node.end, False)
        plain_keys = validation.plain(valid_part)
        if not isinstance(plain_keys, dict):
            return
        try:
            shape = RuleShape.model_validate({"name": "(no name)", **plain_keys})
        except pydantic.ValidationError:
            return
        rule = self._rule(shape)
        is_partial = any(key in _CONTENT for key in bad) or not any(node.get(key) for key in _CONTENT)
        if not any(name in self.sets.broken for name, _ in rule.sets):
            self._compile(rule, node, leaving_out=_FOLLOWING if is_partial else frozenset())

    def _say_no_rule(self, node: Node) -> None:
        help_text = "write - name: and its other keys below, indented"
        if isinstance(node, Scalar) and (stuck := re.match(r"([a-z_]+):(\S.*)", node.value)):
            help_text = f"a space is missing after the colon: {stuck[1]}: {values.shown(stuck[2])}"
        self.report.add_at(node, "wrong-kind", "expected a rule, a block of keys that begins with name:", help_text)

    def _rule(self, shape: RuleShape) -> model.Rule:
        zone = self.context.zone
        digest = shape.when and model.Digest(at=shape.when[0], zone=shape.when[1] or zone)
        until = None
        if shape.until is not None:
            until = values.end_of(shape.until, zone)
        remind = model.Remind(leads=shape.remind, zone=zone) if shape.remind else None
        if remind or shape.until is not None or (shape.when and shape.when[1] is None):
            self.content.uses_zone = True
        lines = {
            key: tuple(model.Line(label=label, terms=terms) for label, terms in (getattr(shape, key) or {}).items())
            for key in ("all", "any", "none")
        }
        texts = [text for key in lines for line in lines[key] for text in line.terms] + [shape.query or ""]
        used_sets = tuple((name, self.sets.terms.get(name, ())) for name in self.sets.used_by(texts))
        self.content.needs.update([("channel", name) for name in shape.notify] or [("routes", "")])
        self.content.needs.update(("feed", name) for name in shape.feeds)
        self.content.needs.update(("person", name) for name in shape.mention)
        self.content.needs.update([("use", model.Use.RELEVANCE)] if shape.about else ())
        return shape.as_value(
            model.Rule,
            notify=tuple(dict.fromkeys(shape.notify)),
            **lines,
            feeds=tuple(dict.fromkeys(shape.feeds)),
            mention=tuple(dict.fromkeys(shape.mention)),
            digest=digest,
            remind=remind,
            until=until,
            must_match=tuple(example.as_value(model.Example) for example in shape.must_match),
            must_not_match=tuple(example.as_value(model.Example) for example in shape.must_not_match),
            sets=used_sets,
            version=_version(shape, lines, used_sets),
        )

    def _warn_of_no_effect(self, rule: model.Rule, node: Mapping) -> None:
        for name, why in (
            ("gather", "a story of severity high never waits"),
            ("about", "a model does not judge its articles"),
        ):
            key = node.key(name)
            if key is None or getattr(rule, name) is None:
                continue
            if rule.severity is model.Severity.HIGH:
                self.report.add_at(
                    key,
                    f"{name}-of-high",
                    f"{name} does nothing with severity high: {why}",
                    f"remove {name}, or lower the severity",
                    rule=rule.name,
                    severity="warning",
                )
            elif name == "about" and self.context.uses is not None:
                model_shape.warn_of_no_use(key, model.Use.RELEVANCE, self.context.uses, self.report, rule=rule.name)

    def _check_names(self, node: Mapping, rule: str) -> None:
        """Report channels, people and feeds that no other file has, and a rule without a channel."""
        is_missing = node.get("notify") is None and self.context.has_routes is False
        if is_missing and not any(values.near(key.value, RuleShape.model_fields) == "notify" for key, _ in node.pairs):
            first = node.pairs[0][0] if node.pairs else node
            channel = next(iter(sorted(self.context.channels or ())), "alerts")
            start, end = (node.start, node.start + 1) if node.is_flow else (first.start, first.end)
            self.report.add(
                "missing-key",
                'the key "notify" is missing',
                f"write notify: {channel}; or give bot.yaml routes",
                start=start,
                end=end,
                rule=rule or None,
            )
        for kind, key, file, what in (
            ("channel", "notify", "bot.yaml", "channel"),
            ("person", "mention", "people of a channel", "person"),
            ("feed", "feeds", "feeds.yaml", "feed or tag"),
        ):
            known_names = self.context.known(kind)
            for item in scalars(node.get(key)) if known_names or (kind == "person" and known_names is not None) else ():
                name = item.value.strip()
                if (
                    known_names is None
                    or name in known_names
                    or not name
                    or self.report.document.has_flaw_in(item.start, item.end)
                ):
                    continue
                is_short = 0 < len(known_names) <= 8
                otherwise = f"{file} has {', '.join(sorted(known_names))}" if is_short else f"add it to {file}"
                help_text = values.did_you_mean(name, sorted(known_names), otherwise=otherwise)
                if kind == "channel" and (channel_name := self.context.destinations.get(name)):
                    help_text = f"rules name the channel, not where it posts: write {channel_name}"
                elif kind == "channel" and not re.fullmatch(r"[\w -]+", name):
                    help_text = _help_with_destination(name, known_names or ())
                if not item.style and name[0] == "-" and name[1:2] not in ("", " ", "-"):
                    help_text = f"a space is missing after the dash: - {name[1:].split(' -')[0]}"
                self.report.add_at(
                    item, f"unknown-{kind}", f'no {what} "{values.shown(name)}" in {file}', help_text, rule=rule or None
                )

    def _uses_broken_set(self, rule: model.Rule, node: Mapping) -> bool:
        broken = [name for name, _ in rule.sets if name in self.sets.broken]
        for name in broken:
            target = node.get("name") or node
            self.report.add_at(
                target,
                "broken-set",
                f"the set ${name} has a problem, so this rule cannot be used",
                "correct the set",
                rule=rule.name,
            )
        return bool(broken)

    def _say(self, problem: rules.RuleProblem, node: Mapping, rule: model.Rule, severity: str) -> None:
        start, end = _span(problem, node, self.report, self.sets)
        help_text = problem.help
        if problem.code == "unknown-set":
            word = self.report.document.text[start:end].strip("$ ")
            nearest = values.near(word, self.sets.nodes)
            help_text = f'did you mean "${nearest}"?' if nearest else help_text
        self.report.add(
            problem.code, problem.message, help_text, start=start, end=end, rule=rule.name, severity=severity
        )


def _help_with_destination(written: str, channels: Collection[str]) -> str:
    """Return what to write instead of ``notify: "#policy"``, where no channel of bot.yaml posts there."""
    names = f" ({', '.join(sorted(channels))})" if 0 < len(channels) <= 8 else ""
    start = f"notify takes the name of a channel in bot.yaml{names}"
    if match := re.fullmatch(r"#([\w-]+)", written):
        channel = f'{match[1]}: {{kind: slack, to: "{written}", token: env:SLACK_BOT_TOKEN}}'
        return f"{start}; to post to {written} in Slack, add {channel} there, and write notify: {match[1]}"
    if written.startswith("@"):
        return f"{start}; write people under mention:"
    if "@" in written:
        return f"{start}; to send e-mail, add a channel with kind: email there"
    return f"{start}; add one there"


def _span(problem: rules.RuleProblem, node: Mapping, report: ProblemReport, sets: Sets) -> tuple[int, int]:
    """Return the offsets in the file of the part that a problem is about."""
    if problem.place[:1] == ("sets",) and len(problem.place) > 1:
        target, key = places.find(sets.nodes.get(str(problem.place[1]), node), problem.place[2:])
    else:
        target, key = places.find(node, problem.place)
    if target is node:
        key = key or (node.pairs[0][0] if node.pairs else None)
    start, end = problem.start, problem.end
    if isinstance(target, Mapping) and problem.place[0] in ("must_match", "must_not_match"):
        target = target.get("title") or target.get("body") or target
    if isinstance(target, Mapping) and len(target.pairs) == 1 and target is not node:
        target, start, end = _inside_shorthand(target, start, end)
    if isinstance(target, Scalar):
        if problem.end <= problem.start:
            return target.start, target.end
        blank = len(target.value) - len(target.value.lstrip())
        return places.span(report.document, target, start + blank, end + blank)
    if key is not None:
        return key.start, key.end
    return target.start, target.end if isinstance(target, Sequence) and target.is_flow else target.start + 1


def _inside_shorthand(node: Mapping, start: int, end: int) -> tuple[Scalar | Mapping, int, int]:
    """Return the offsets in a term that YAML read as a mapping: ``{EXACT}``, ``title: X``."""
    key, value = node.pairs[0]
    if validation.exact_term(node) is not None:
        return key, start - 1, end - 1
    skipped = len(key.value) + 1
    if end <= skipped:
        return key, start, end
    if isinstance(value, Scalar):
        return value, start - skipped, end - skipped
    if isinstance(value, Mapping) and value.pairs:
        return value.pairs[0][0], start - skipped - 1, end - skipped - 1
    return node, start, end


def name_of(node: Node) -> str:
    """Return the name of a rule as written; empty if it has none."""
    name = value_of(node, "name")
    return name.value.strip() if isinstance(name, Scalar) else ""


def _version(
    shape: RuleShape, lines: dict[str, tuple[model.Line, ...]], sets: tuple[tuple[str, tuple[str, ...]], ...]
) -> str:
    """Return a hash of all that decides what a rule matches and where it posts; notes and examples do not count."""
    parts = [
        shape.name,
        shape.notify,
        [(key, [(line.label, line.terms) for line in lines[key]]) for key in ("all", "any", "none")],
        shape.query,
        shape.where.value,
        shape.feeds,
        sets,
        *(("stem",) if shape.stem else ()),
    ]
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
