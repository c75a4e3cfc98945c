"""Read rules/*.yaml, each with the watch rules of one team. A broken rule does not affect other rules.

The position of each word of a rule is known, so that a caret can mark a problem inside a query or a list item.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from bot import keys, rules
from bot.config import audits, blocks, bot_file, nodes, validation
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, scalars_of, value_of
from bot.config.problems import ProblemReport
from bot.config.settings import UTC, BotSettings, FileState, LoadedRule
from bot.keys import Key, Parse
from bot.model.language_models import Use
from bot.model.rules import ONLY_BRIEF, TERM_SCHEMA, Group, Rule, Severity, Term
from bot.patterns import LazyPattern
from bot.rules import lint


@dataclass(frozen=True, slots=True, kw_only=True)
class SetsOfFile:
    """Named lists of terms."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    sets: Annotated[
        dict[
            str,
            Annotated[tuple[Term, ...], Parse(keys.as_list, "before"), keys.Schema(type="array", items=TERM_SCHEMA)],
        ],
        Key("Named lists of terms. For example, blackberry_server: [BES, …] is used as $blackberry_server."),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile(SetsOfFile):
    """The rules of one team, and the sets of terms that they share."""

    rules: Annotated[tuple[Rule, ...], Key("The watch rules.")]


class RuleContext(msgspec.Struct, frozen=True, kw_only=True):
    """The facts from other files that a rule can depend on. While they stay the same, no rule need be read again."""

    #: Names of channels. None means that bot.yaml cannot be read, so the channels of rules are not checked.
    channels: frozenset[str] | None = None
    #: Names, addresses and tags of feeds, or None if unknown.
    feeds: frozenset[str] | None = None
    zone: ZoneInfo = UTC
    #: The name of each channel by its ``to``, for advice on rules that use the ``to`` instead of the name.
    destinations: dict[str, str] = msgspec.field(default_factory=dict)
    #: People whom channels can mention, or None if unknown.
    people: frozenset[str] | None = None
    #: Whether bot.yaml has routes, so that a rule may omit ``notify``; None if unknown.
    has_routes: bool | None = None
    #: Names of the channels with a brief, or None if unknown.
    briefs: frozenset[str] | None = None
    #: The uses of the language model, or None if unknown.
    uses: frozenset[str] | None = None
    #: Whether to warn of rules that are allowed but probably not meant.
    wants_warnings: bool = True
    #: Limit of work for the examples of all rules together. None means a separate limit for each example.
    steps: rules.Steps | None = None

    @classmethod
    def of(cls, bot: BotSettings, files: Mapping[str, FileState]) -> RuleContext:
        """Return the facts from the settings of bot.yaml and from the other files."""
        names = [state.names for state in files.values() if state.names is not None]
        return cls(
            channels=frozenset(bot.channels),
            feeds=frozenset[str]().union(*names) if names else None,
            zone=bot.timezone,
            people=bot.people,
            has_routes=bool(bot.routes),
            briefs=frozenset(name for name, channel in bot.channels.items() if channel.options.brief),
            uses=frozenset(bot.model.uses if bot.model else ()),
        )


_COMMA = LazyPattern(r",\s+")


def warn_of_commas(rule: MappingNode, report: ProblemReport) -> None:
    """Warn of ``all: Ofcom, fine``, which is one term, but not of a quoted place or a name such as Acme, Inc."""
    for key in ("all", "any", "none"):
        for item in _plain_items(rule.get(key)):
            pieces = _COMMA.split(item.value.strip())
            if len(pieces) < (3 if item.style else 2) or any(lint.is_name_tail(piece) for piece in pieces[1:]):
                continue
            quoted = "" if item.style else f'; if the comma is intended, quote the term: "{keys.shorten(item.value)}"'
            report.add(
                item,
                "comma-in-term",
                "this is one term, which matches only with its comma",
                f"write a list: [{', '.join(pieces)}]{quoted}",
                severity="warning",
            )


#: Words that mean "none" in other products, and words for the other keys of what a rule matches.
_KEYS_OF_RULE = frozenset(blocks.types_of(Rule)) | {word for word, key in Rule.OTHER_WORDS.items() if key == "none"}


def refuse_keys_as_labels(rule: MappingNode, report: ProblemReport) -> bool:
    """Report ``none:`` and other keys of a rule that are indented under ``all``, where they would label a line.

    Return whether there are any.
    """
    is_refused = False
    for outer in ("all", "any", "none"):
        for label, _ in nodes.pairs_of(rule.get(outer)):
            if label.value in _KEYS_OF_RULE:
                key = label.value if label.value in blocks.types_of(Rule) else "none"
                message = f'"{label.value}" is a key of the rule, not the label of a line of {outer}'
                advice = f"to use the key, move {key}: left, to the column of {outer}:; for a label, use another word"
                report.add(label, "key-as-label", message, advice)
                is_refused = True
    return is_refused


def _plain_items(node: Node | None) -> list[ScalarNode]:
    if isinstance(node, MappingNode):
        return [item for _, value in node.pairs for item in _plain_items(value)]
    items = node.items if isinstance(node, SequenceNode) else [node]
    return [item for item in items if isinstance(item, ScalarNode) and not item.value.lstrip().startswith("/")]


_SET_NAME = LazyPattern(r"\$([\w-]+)")
#: Codes of problems that an unreadable part of a rule may cause in its other parts.
_FOLLOWING_CODES = frozenset({"must-match", "must-not-match", "only-negatives"})
_CONTENT_KEYS = ("all", "any", "none", "query", "where")


class RuleSets(msgspec.Struct):
    terms: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    nodes: dict[str, Node] = msgspec.field(default_factory=dict)
    broken: set[str] = msgspec.field(default_factory=set)

    def used_by(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the sorted names of the sets that these texts use, directly or through other sets."""
        names: set[str] = set()
        waiting = [name for text in texts if "$" in text for name in _SET_NAME.findall(text)]
        while waiting:
            name = waiting.pop()
            if name not in names and name in self.nodes:
                names.add(name)
                waiting += [inner for text in self.terms.get(name, ()) for inner in _SET_NAME.findall(text)]
        return tuple(sorted(names))


class RuleReader(msgspec.Struct):
    """Reads the rules of one file, and holds the result."""

    report: ProblemReport
    context: RuleContext
    sets: RuleSets
    #: The rules as last read, by name. An unchanged rule is not compiled and tested again.
    previous: dict[str, LoadedRule]
    loaded: list[LoadedRule] = msgspec.field(default_factory=list)
    #: Names of refused rules without a good version.
    off: list[str] = msgspec.field(default_factory=list)

    def read(self, node: Node) -> LoadedRule | None:
        """Read a rule; return None if it has errors (they are in the report)."""
        self.report.rule = rule_name_of(node) or None
        if not isinstance(node, MappingNode):
            self._report_no_rule(node)
            return None
        error_count = self.report.error_count
        flaws = self.report.document.flaws_inside(node)
        for flaw in flaws:
            self.report.add_flaw(flaw)
        bad_keys: set[str] = set()
        written = validation.validate(Rule, node, self.report, zone=self.context.zone, bad_keys=bad_keys)
        self._check_names(node)
        has_key_as_label = refuse_keys_as_labels(node, self.report)
        warn_of_commas(node, self.report)
        if has_key_as_label or any(flaw.severity == "error" for flaw in flaws):
            return None
        if written is None:
            self._look_further(node, bad_keys)
            return None
        rule = self._with_context(written)
        self._warn_of_no_effect(rule, node)
        if self._uses_broken_set(rule, node):
            return None
        previous = self.previous.get(rule.name)
        if previous is not None and previous.compiled.rule == rule:
            compiled: rules.CompiledRule | None = previous.compiled
            warnings = previous.warnings
        else:
            compiled = self._compile(rule, node)
            warnings = rules.find_warnings(compiled) if compiled is not None and self.context.wants_warnings else ()
        if compiled is None or self.report.error_count > error_count:
            return None
        for problem in warnings:
            self._report(problem, node, "warning")
        if (item := node.get("audit")) and rule.audit and not audits.list_searches(compiled):
            message = (
                "the rule is not audited: a news search engine cannot search for this text or for the rule's terms"
            )
            help_text = 'write what to search for: audit: "search text"'
            self.report.add(item, "no-audit", message, help_text, severity="warning")
        key = node.get("name") or node
        line, column = self.report.document.place(key.start)
        return LoadedRule(compiled=compiled, line=line, column=column, warnings=warnings)

    def _compile(
        self, rule: Rule, node: MappingNode, *, leaving_out: frozenset[str] = frozenset()
    ) -> rules.CompiledRule | None:
        try:
            return rules.compile_rule(rule, steps=self.context.steps)
        except rules.RuleError as error:
            for problem in error.problems:
                if problem.code not in leaving_out:
                    self._report(problem, node, "error")
            return None

    def _look_further(self, node: MappingNode, bad_keys: set[str]) -> None:
        """Report problems in the terms of a rule whose keys have errors, so that all problems are reported at once."""
        pairs = [pair for pair in node.pairs if pair[0].value not in bad_keys]
        valid_part = MappingNode(pairs, node.start, node.end, is_flow=False)
        scratch = ProblemReport(self.report.path, self.report.document)
        written = validation.validate(Rule, valid_part, scratch, zone=self.context.zone, defaults={"name": "(no name)"})
        if written is None:
            return
        rule = self._with_context(written)
        is_partial = any(key in _CONTENT_KEYS for key in bad_keys) or not any(node.get(key) for key in _CONTENT_KEYS)
        if not any(name in self.sets.broken for name, _ in rule.sets):
            self._compile(rule, node, leaving_out=_FOLLOWING_CODES if is_partial else frozenset())

    def _report_no_rule(self, node: Node) -> None:
        help_text = "write - name: and its other keys below, indented"
        if isinstance(node, ScalarNode) and (stuck := re.match(r"([a-z_]+):(\S.*)", node.value)):
            help_text = f"a space is missing after the colon: {stuck[1]}: {keys.shorten(stuck[2])}"
        self.report.add(node, "wrong-kind", "expected a rule, a block of keys that begins with name:", help_text)

    def _with_context(self, rule: Rule) -> Rule:
        """Return the rule with its sets and version."""
        texts = [text for _, line in rule.lines for text in line.terms] + [rule.query or ""]
        rule = dataclasses.replace(
            rule, sets=tuple((name, self.sets.terms.get(name, ())) for name in self.sets.used_by(texts))
        )
        return dataclasses.replace(rule, version=_hash_version(rule))

    def _warn_of_no_effect(self, rule: Rule, node: MappingNode) -> None:
        """Warn of ``quiet``, ``when: brief``, ``gather`` and ``about`` if they have no effect."""
        if rule.quiet is not None and rule.group is not Group.RULE and (key := node.key("quiet")):
            message = "quiet does nothing without group: rule"
            self.report.add(
                key, "quiet-without-thread", message, "add group: rule, or remove quiet", severity="warning"
            )
        briefs = self.context.briefs
        if rule.when == ONLY_BRIEF and briefs is not None and (item := node.get("when")):
            for name in [channel for channel in rule.notify if channel not in briefs]:
                message = f'the channel "{keys.shorten(name)}" has no brief, so the stories are posted there at once'
                advice = f"add brief: 08:00 to the channel {keys.shorten(name)} in bot.yaml"
                self.report.add(item, "no-brief", message, advice, severity="warning")
        if rule.severity is not Severity.HIGH:
            if rule.about and self.context.uses is not None and (key := node.key("about")):
                bot_file.warn_of_no_use(key, Use.RELEVANCE, self.context.uses, self.report)
            return
        for name, why in (
            ("gather", "a story of severity high never waits"),
            ("about", "a model does not judge its articles"),
        ):
            if (key := node.key(name)) and getattr(rule, name) is not None:
                message = f"{name} does nothing with severity high: {why}"
                advice = f"remove {name}, or lower the severity"
                self.report.add(key, f"{name}-of-high", message, advice, severity="warning")

    def _check_names(self, node: MappingNode) -> None:
        """Report channels, people and feeds that no other file has, and a rule without a channel."""
        if node.get("notify") is None and self.context.has_routes is False:
            self._report_no_notify(node)
        for known_names, kind, key, file, what in (
            (self.context.channels, "channel", "notify", "bot.yaml", "channel"),
            (self.context.people, "person", "mention", "people of a channel", "person"),
            (self.context.feeds, "feed", "feeds", "feeds.yaml", "feed or tag"),
        ):
            if known_names is None or (not known_names and kind != "person"):
                continue
            for item in scalars_of(node.get(key)):
                name = item.value.strip()
                if name and name not in known_names and not self.report.has_flaw_in(item):
                    message = f'no {what} "{keys.shorten(name)}" in {file}'
                    advice = self._help_with_name(item, kind, file, known_names)
                    self.report.add(item, f"unknown-{kind}", message, advice)

    def _report_no_notify(self, node: MappingNode) -> None:
        if any(keys.find_nearest(key.value, blocks.types_of(Rule)) == "notify" for key, _ in node.pairs):
            return  # the misspelt key is already reported
        channel = next(iter(sorted(self.context.channels or ())), "alerts")
        advice = f"write notify: {channel}, or add routes to bot.yaml"
        self.report.add(node.head, "missing-key", 'the key "notify" is missing', advice)

    def _help_with_name(self, item: ScalarNode, kind: str, file: str, known_names: frozenset[str]) -> str:
        name = item.value.strip()
        if not item.style and name[0] == "-" and name[1:2] not in ("", " ", "-"):
            return f"a space is missing after the dash: - {name[1:].split(' -')[0]}"
        if kind == "channel" and (channel_name := self.context.destinations.get(name)):
            return f"notify needs the name of the channel, not its destination: write {channel_name}"
        if kind == "channel" and not re.fullmatch(r"[\w -]+", name):
            return _help_with_destination(name, known_names)
        is_short = 0 < len(known_names) <= 8
        otherwise = f"{file} has {', '.join(sorted(known_names))}" if is_short else f"add it to {file}"
        if kind == "person" and not known_names:
            otherwise = f"add people: {{{name.lstrip('@')}: ID}} to a channel of bot.yaml"
        return keys.did_you_mean(name, sorted(known_names), otherwise=otherwise)

    def _uses_broken_set(self, rule: Rule, node: MappingNode) -> bool:
        broken = [name for name, _ in rule.sets if name in self.sets.broken]
        for name in broken:
            message = f"the set ${name} has a problem, so this rule cannot be used"
            self.report.add(node.get("name") or node, "broken-set", message, "correct the set")
        return bool(broken)

    def _report(self, problem: rules.RuleProblem, node: MappingNode, severity: str) -> None:
        start, end = _find_span(problem, node, self.report, self.sets)
        help_text = problem.help
        if problem.code == "unknown-set":
            word = self.report.document.text[start:end].strip("$ ")
            nearest = keys.find_nearest(word, self.sets.nodes)
            help_text = f'did you mean "${nearest}"?' if nearest else help_text
        self.report.add((start, end), problem.code, problem.message, help_text, severity=severity)


def _help_with_destination(written: str, channels: Collection[str]) -> str:
    """Return advice for ``notify: "#policy"`` if no channel of bot.yaml posts there."""
    names = f" ({', '.join(sorted(channels))})" if 0 < len(channels) <= 8 else ""
    several = re.split(r"[,;]\s*|\s+", written)
    if len(several) > 1 and not set(several) - set(channels):
        return f"write a list: notify: [{', '.join(several)}]"
    start = f"notify needs the name of a channel in bot.yaml{names}"
    if match := re.fullmatch(r"#([\w-]+)", written):
        channel = f'{match[1]}: {{kind: slack, to: "{written}", token: env:SLACK_BOT_TOKEN}}'
        return f"{start}; to post to {written} in Slack, add {channel} there, and write notify: {match[1]}"
    if written.startswith("@"):
        return f"{start}; write people under mention:"
    if "@" in written:
        return f"{start}; to send e-mail, add a channel with kind: email there"
    return f"{start}; add one there"


def _find_span(problem: rules.RuleProblem, node: MappingNode, report: ProblemReport, sets: RuleSets) -> tuple[int, int]:
    """Return the offsets in the file of the part of a rule that has the problem."""
    if problem.place[:1] == ("sets",) and len(problem.place) > 1:
        target, key = nodes.find_node(sets.nodes.get(str(problem.place[1]), node), problem.place[2:])
    else:
        target, key = nodes.find_node(node, problem.place)
    if target is node:
        key = key or (node.pairs[0][0] if node.pairs else None)
    if isinstance(target, MappingNode) and problem.place[0] in ("must_match", "must_not_match"):
        target = target.get("title") or target.get("body") or target
    if isinstance(target, ScalarNode):
        if problem.end <= problem.start:
            return target.start, target.end
        blank = len(target.value) - len(target.value.lstrip())
        return nodes.find_span(report.document, target, problem.start + blank, problem.end + blank)
    if key is not None:
        return key.start, key.end
    return target.start, target.end if isinstance(target, SequenceNode) and target.is_flow else target.start + 1


def rule_name_of(node: Node) -> str:
    """Return the name of a rule as written; empty if it has none."""
    name = value_of(node, "name")
    return name.value.strip() if isinstance(name, ScalarNode) else ""


def _hash_version(rule: Rule) -> str:
    """Return a hash of the keys that decide what a rule matches and where it posts."""
    parts = [
        rule.name,
        rule.notify,
        [(key, [(line.label, line.terms) for line in getattr(rule, key)]) for key in ("all", "any", "none")],
        rule.query,
        rule.where.value,
        rule.feeds,
        rule.sets,
        *(("stem",) if rule.stem else ()),
        *(form.value for form in rule.skip),
    ]
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def parse_rules_file(
    report: ProblemReport, context: RuleContext, *, previous: tuple[LoadedRule, ...] = ()
) -> RuleReader | None:
    """Read the rules of a file; return None if the whole file cannot be used (the errors are in the report).

    For a refused rule, the result has its last version from ``previous``.
    """
    root = report.document.root
    reader = RuleReader(report, context, RuleSets(), {entry.compiled.rule.name: entry for entry in previous})
    if root is None and not report.error_count:
        return reader
    items = validation.find_list(report, "rules", form=Rule, example="- name: …", other_keys=("sets",))
    if items is None:
        return None
    reader.sets = _read_sets(root, report)
    refused: list[str] = []
    rules_by_name: dict[str, LoadedRule] = {}
    for item in items:
        loaded = reader.read(item)
        if loaded is None:
            refused.append(rule_name_of(item))
        elif first := rules_by_name.get(loaded.compiled.rule.name):
            message = f'a second rule "{keys.shorten(first.compiled.rule.name)}"'
            advice = f"the first is on line {first.line}: give this one another name"
            report.add(value_of(item, "name") or item, "duplicate-rule", message, advice)
        else:
            rules_by_name[loaded.compiled.rule.name] = loaded
            reader.loaded.append(loaded)
    report.rule = None
    for flaw in report.document.flaws:
        report.add_flaw(flaw)
    refused += report.document.cut
    # An unreadable rule with a new name may be any of the missing rules, renamed.
    has_new_name = any(name not in reader.previous for name in report.document.cut)
    is_whole = not has_new_name and not _has_error_outside(report, value_of(root, "rules"))
    _keep_previous(reader, refused, is_top_whole=is_whole)
    return reader


def _read_sets(root: Node | None, report: ProblemReport) -> RuleSets:
    sets = RuleSets()
    sets_key = root.key("sets") if isinstance(root, MappingNode) else None
    node = value_of(root, "sets")
    if sets_key is None or node is None or (isinstance(node, ScalarNode) and not node.value):
        return sets
    if not isinstance(node, MappingNode):
        place = (node.start, node.start + 1)
        report.add(place, "wrong-kind", "sets must contain names with lists of terms", "write name: [one, two]")
        return sets
    for key, value in node.pairs:
        sets.nodes[key.value] = value
        if not re.fullmatch(r"[\w-]+", key.value):
            report.add(
                key,
                "set-name",
                f'"{keys.shorten(key.value)}" cannot be the name of a set',
                "use letters, digits, _ and -",
            )
            sets.broken.add(key.value)
        # Validate each set on its own, so that a broken one affects only the rules that use it.
        single_set = MappingNode([(key, value)], value.start, value.end, is_flow=False)
        sets_block = MappingNode([(sets_key, single_set)], node.start, node.end, is_flow=False)
        checked = validation.validate(SetsOfFile, sets_block, report)
        if checked is None or any(flaw.severity == "error" for flaw in report.document.flaws_inside(value)):
            sets.broken.add(key.value)
        elif not checked.sets[key.value]:
            report.add(key, "no-value", "an empty set", "write its terms, or remove the set")
            sets.broken.add(key.value)
        else:
            sets.terms[key.value] = checked.sets[key.value]
    return sets


def _has_error_outside(report: ProblemReport, items: Node | None) -> bool:
    """Return whether an error outside the rules may hide whole rules."""
    if items is None or not report.error_count:
        return items is None
    first, last = report.document.place(items.start)[0], report.document.place(items.end)[0]
    return any(problem.severity == "error" and not first <= problem.line <= last for problem in report.finish())


def _keep_previous(reader: RuleReader, refused: list[str], *, is_top_whole: bool) -> None:
    """Use the last good version of each refused rule.

    A rule whose name cannot be read may be any of the missing rules, so keep them all until it is repaired.
    """
    present = {entry.compiled.rule.name for entry in reader.loaded}
    kept_names = [name for name in refused if name in reader.previous]
    if "" in refused or not is_top_whole:
        kept_names += reader.previous
    for name in dict.fromkeys(kept_names):
        if name not in present:
            reader.loaded.append(replace(reader.previous[name], is_kept=True))
    reader.off += [
        name or "(a rule without a name)" for name in refused if name not in reader.previous and name not in present
    ]
