"""Load a configuration folder into settings, and reload it when a file changes.

A reload reads only the changed files. The last good version replaces a broken rule, feed or file; it replaces a broken
bot.yaml as a whole. Each reload makes a new Settings value, so the running bot swaps one reference.

Each rule key is declared once, as a field of ``Rule`` with its type and description. From file to engine:

    1. Watcher.look, load         a file changed (watching.py); read the folder
    2. files.parse_file           text → nodes with places (nodes.py)
    3. rules_file.RuleReader      each item of the list
    4. validation.validate        node → Rule, or problems with carets; the type of the field parses the value
    5. rules.compile_rule         the rule's parts and examples
    6. Settings.rules             all rules of the folder
    7. app.wiring, RuleSet        the engine reads rule.all, rule.where …
    8. alerts                     decide by rule.min_outlets, rule.when …

The reference page and the JSON Schema come from the same fields (schema.py). In bot.yaml, ``${NAME}`` in a value is
replaced by an environment variable (variables.py).
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bot import keys
from bot.config import bot_file, feeds_file, files, problems, rules_file
from bot.config.nodes import YamlDocument, value_of
from bot.config.problems import ProblemReport
from bot.config.rules_file import RuleContext
from bot.config.settings import BotSettings, FileState, KnownKinds, LoadedRule, Settings
from bot.model.errors import ConfigError
from bot.model.language_models import Use
from bot.model.settings import Problem


def load(
    folder: Path,
    *,
    previous: Settings | None = None,
    environ: Mapping[str, str],
    kinds: KnownKinds,
    wants_warnings: bool = True,
) -> Settings:
    """Load the configuration of ``folder`` with all its problems.

    If ``wants_warnings`` is false, omit the warnings about rules. Raises ConfigError, with the problems, if the folder
    cannot be read, or if bot.yaml cannot be used and there is no previous version of it.
    """
    reading = _read_folder(_Folder(folder, environ, kinds, previous, wants_warnings=wants_warnings))
    if reading.bot is None:
        path = str(folder / files.BOT)
        errors = [problem for problem in reading.problems if problem.file == path and problem.severity == "error"]
        text = problems.render_problems(errors).rstrip()
        raise ConfigError(f"{folder / files.BOT} cannot be used\n{text}", reading.problems)
    return reading.settings(reading.bot)


def try_load(
    folder: Path, *, environ: Mapping[str, str], kinds: KnownKinds
) -> tuple[tuple[Problem, ...], Settings | None]:
    """Return all problems, sorted by position. Also return the settings, or None if bot.yaml cannot be used.

    Raises ConfigError if the folder cannot be read.
    """
    reading = _read_folder(_Folder(folder, environ, kinds))
    return reading.problems, reading.settings(reading.bot) if reading.bot is not None else None


def _read_folder(reading: _Folder) -> _Folder:
    folder = reading.folder
    if not folder.is_dir():
        if folder.exists():
            raise ConfigError(f"{folder} is a file; --config needs its folder: --config {folder.absolute().parent}")
        raise ConfigError(
            f"the configuration folder {folder} does not exist; use another with --config DIR, or create it: "
            f"wirewatch init {folder}"
        )
    # Switch garbage collection off, because it takes a third of the time and trees of nodes have no cycles.
    was_on = gc.isenabled()
    gc.disable()
    try:
        reading.read()
    except PermissionError as error:
        raise ConfigError(f"the configuration in {folder} cannot be read: {error.strerror}: {error.filename}") from None
    finally:
        if was_on:
            gc.enable()
    return reading


class _Folder(msgspec.Struct):
    """Reads the folder once, and holds the result."""

    folder: Path
    environ: Mapping[str, str]
    kinds: KnownKinds
    previous: Settings | None = None
    wants_warnings: bool = True

    bot: BotSettings | None = None
    #: The report of bot.yaml, if it could be read.
    bot_report: ProblemReport | None = None
    files: dict[str, FileState] = msgspec.field(default_factory=dict)
    #: Problems of the whole folder, and conflicts between files.
    folder_problems: list[Problem] = msgspec.field(default_factory=list)
    loaded: list[LoadedRule] = msgspec.field(default_factory=list)
    off: list[str] = msgspec.field(default_factory=list)

    @property
    def problems(self) -> tuple[Problem, ...]:
        in_files = [problem for state in self.files.values() for problem in state.problems]
        return problems.sort_by_place([*in_files, *self.folder_problems])

    def settings(self, bot: BotSettings) -> Settings:
        digests = "".join(f"{path}\0{state.digest}\0" for path, state in sorted(self.files.items()))
        return Settings(
            bot=bot,
            feeds=tuple(
                feeds_file.apply_host_access(feed, bot.fetch.hosts)
                for state in self.files.values()
                for feed in state.feeds
            ),
            rules=tuple(entry.compiled for entry in self.loaded),
            problems=self.problems,
            version=hashlib.sha256(digests.encode()).hexdigest()[:16],
            kept=tuple(entry.compiled.rule.name for entry in self.loaded if entry.is_kept),
            off=tuple(self.off),
            files=self.files,
        )

    def read(self) -> None:
        self._read_bot()
        self._read_feeds()
        self._read_rules()
        self._join()
        self._check_rules_of_bot()

    def _old(self, path: str) -> FileState | None:
        return self.previous.files.get(path) if self.previous else None

    def _read_bot(self) -> None:
        path = str(self.folder / files.BOT)
        self.bot = self.previous.bot if self.previous else None
        try:
            # Read this small file even if it is unchanged, because an environment variable may have changed.
            content = files.read_file(path, None)
        except OSError as error:
            advice = "bot.yml is not read: rename it to bot.yaml" if (self.folder / "bot.yml").exists() else ""
            self._keep(path, error, advice or f"create it: wirewatch init {self.folder}")
            return
        report = files.parse_file(path, content.content or b"")
        if not report.error_count:
            self.bot_report = report
            self.bot = bot_file.parse_bot_file(report, kinds=self.kinds, environ=self.environ) or self.bot
        self.files[path] = FileState(path=path, stamp=content.stamp, digest=content.digest, problems=report.finish())

    def _check_rules_of_bot(self) -> None:
        """Check bot.yaml against the rules once all files are read: rule names in routes, uses of a model."""
        report = self.bot_report
        if report is not None:
            rules = [entry.compiled.rule for entry in self.loaded]
            names = [rule.name for rule in rules]
            bot_file.warn_of_unknown_rules(report.document.root, [*names, *self.off], report)
            wanted_uses = bot_file.find_wanted_uses(report.document.root)
            wanted_uses |= {Use.RELEVANCE} if any(rule.about for rule in rules) else set()
            bot_file.warn_of_idle_uses(report.document.root, wanted_uses, report)
            self.files[report.path] = replace(self.files[report.path], problems=report.finish())

    def _keep(self, path: str, error: OSError, advice: str) -> None:
        """Keep the last version of a file that is missing or cannot be read, and report the problem."""
        problem = files.missing_file_problem(path, error, advice)
        if old := self._old(path):
            self.files[path] = replace(old, problems=(problem,), rules=_kept(old.rules), digest="")
        else:
            self.folder_problems.append(problem)

    def _read_feeds(self) -> None:
        path = str(self.folder / files.FEEDS)
        old = self._old(path)
        try:
            content = files.read_file(path, old)
        except OSError as error:
            self._keep(path, error, files.FILE_ADVICE[files.FEEDS])
            return
        if content.content is None and old is not None:
            self.files[path] = replace(old, stamp=content.stamp)
            return
        report = files.parse_file(path, content.content or b"", by_item=True)
        previous_feeds = old.feeds if old else ()
        feeds = feeds_file.parse_feeds_file(
            report, kinds=self.kinds.sources, environ=self.environ, previous=previous_feeds
        )
        names = feeds_file.find_feed_names(report.document.root) if feeds is not None else old.names if old else None
        self.files[path] = FileState(
            path=path,
            stamp=content.stamp,
            digest=content.digest,
            problems=report.finish(),
            feeds=previous_feeds if feeds is None else feeds,
            names=names,
        )

    def _context(self) -> RuleContext:
        """Return the facts from other files that rules can use. If bot.yaml is refused, use its keys as written."""
        root = self.bot_report.document.root if self.bot_report else None
        if self.bot is not None:
            context = RuleContext.of(self.bot, self.files)
        else:
            context = RuleContext(
                channels=bot_file.find_channel_names(root),
                people=bot_file.find_people(root),
                has_routes=None if root is None else value_of(root, "routes") is not None,
            )
        return replace(context, destinations=bot_file.find_destinations(root), wants_warnings=self.wants_warnings)

    def _read_rules(self) -> None:
        try:
            paths = files.list_rule_files(self.folder)
        except FileNotFoundError:
            paths = []
        if not paths:
            self._no_rules()
        context = self._context()
        for path in paths:
            try:
                self.files[path] = self._rule_file(path, self._old(path), context)
            except OSError as error:
                self._keep(path, error, "let the bot read it, or remove it")
        known_paths = [*self.files, *paths]
        self.folder_problems += files.find_stray_files(self.folder, known_paths)

    def _no_rules(self) -> None:
        """Report that no rule file exists, and keep the rules, because a lost mount is the most likely cause."""
        folder = str(self.folder / files.RULES)
        problem = Problem(
            severity="error",
            file=folder,
            code="no-file",
            message="no rule file: nothing is watched",
            help="write a rule file, such as rules/telecom.yaml",
        )
        for path, state in self.previous.files.items() if self.previous else ():
            if state.rules:
                self.files[path] = replace(state, rules=_kept(state.rules), digest="")
        self.folder_problems.append(problem)

    def _rule_file(self, path: str, old: FileState | None, context: RuleContext) -> FileState:
        content = files.read_file(path, old)
        if content.content is None and old is not None and old.context == context:
            return replace(old, stamp=content.stamp)
        if content.content is None:
            content = files.read_file(path, None)
        report = files.parse_file(path, content.content or b"", by_item=True)
        previous_rules = old.rules if old else ()
        parsed = rules_file.parse_rules_file(report, context, previous=previous_rules)
        return FileState(
            path=path,
            stamp=content.stamp,
            digest=content.digest,
            problems=report.finish(),
            rules=tuple(parsed.loaded) if parsed else _kept(previous_rules),
            off=tuple(parsed.off) if parsed else (),
            context=context,
        )

    def _join(self) -> None:
        """Join the rules of all files in order of position.

        If two rules have the same name, the first counts. A kept version yields to a current rule of the same name.
        """
        places: dict[str, str] = {}
        entries = [(path, entry) for path, state in self.files.items() for entry in state.rules]
        present = {entry.compiled.rule.name for _, entry in entries if not entry.is_kept}
        for path, entry in entries:
            name = entry.compiled.rule.name
            if entry.is_kept and name in present:
                continue
            if name in places:
                self.folder_problems += _report_duplicate(path, entry, places[name])
                continue
            places[name] = f"{path}:{entry.line}"
            self.loaded.append(entry)
        off = [name for state in self.files.values() for name in state.off]
        self.off = [name for name in dict.fromkeys(off) if name not in places]


def _kept(entries: tuple[LoadedRule, ...]) -> tuple[LoadedRule, ...]:
    return tuple(replace(entry, is_kept=True) for entry in entries)


def _report_duplicate(path: str, entry: LoadedRule, first: str) -> tuple[Problem, ...]:
    """Return the problem of a rule whose name another file already has, at the position of the rule's name."""
    text = ""
    with contextlib.suppress(OSError):
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    report = ProblemReport(path, YamlDocument(text, None))
    report.rule = name = entry.compiled.rule.name
    start = report.document.line_starts[min(entry.line, len(report.document.line_starts)) - 1] + entry.column - 1
    advice = f"the first is in {first}: give this one another name"
    report.add((start, start + len(name)), "duplicate-rule", f'a second rule "{keys.shorten(name)}"', advice)
    return report.finish()
