"""Find and read the files of the folder, and detect changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bot import keys
from bot.config import nodes
from bot.config.nodes import YamlDocument
from bot.config.problems import ProblemReport
from bot.config.settings import FileState, Stamp
from bot.model.settings import Problem

#: A file up to this size is read and hashed at each check. A larger file is read only if its stamp changed.
SMALL_BYTES = 256 * 1024
#: Maximum size of a file, enough for about 100,000 rules of a few words.
MAX_BYTES = 64 * 1024 * 1024

BOT, FEEDS, RULES = "bot.yaml", "feeds.yaml", "rules"

#: How the name of a file ends that can be read as YAML.
_ENDINGS = (".yaml", ".yml")
#: Advice for an empty rule file.
RULE_ADVICE = "write rules: and, on the next line, - name: …; to have none on purpose, write rules: []"
#: Name of another file -> advice if the file is empty or missing.
FILE_ADVICE = {
    BOT: "write channels: and, on the next line, alerts: {kind: console}",
    FEEDS: "write feeds: and, on the next line, - https://…; to poll none on purpose, write feeds: []",
}


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """One file as just read: its stamp, its digest and, if it changed, its content."""

    path: str
    stamp: Stamp
    digest: str
    #: The bytes, or None if the file is unchanged.
    content: bytes | None


def list_rule_files(folder: Path) -> list[str]:
    """Return the sorted paths of rules/*.yaml, without hidden files and backups of editors. Raises OSError."""
    names = sorted(entry.name for entry in os.scandir(folder / RULES))
    return [str(folder / RULES / name) for name in names if name.endswith(_ENDINGS) and name[0] not in ".#~"]


def list_files(folder: Path) -> list[str]:
    """Return the paths of all files of the configuration. Raises OSError."""
    try:
        rule_paths = list_rule_files(folder)
    except FileNotFoundError:
        rule_paths = []
    return [str(folder / BOT), str(folder / FEEDS), *rule_paths]


def read_stamp(path: str) -> Stamp:
    """Return the stamp of a file. Raises OSError."""
    stat = os.stat(path)
    return Stamp(modified_ns=stat.st_mtime_ns, changed_ns=stat.st_ctime_ns, size=stat.st_size, inode=stat.st_ino)


def read_file(path: str, previous: FileState | None) -> FileContent:
    """Read a file unless it is unchanged. Raises OSError."""
    current = read_stamp(path)
    if previous is not None and current == previous.stamp and current.size > SMALL_BYTES:
        return FileContent(path=path, stamp=current, digest=previous.digest, content=None)
    content = read_content(path)
    digest = hashlib.sha256(content).hexdigest()
    is_same = previous is not None and digest == previous.digest
    return FileContent(path=path, stamp=current, digest=digest, content=None if is_same else content)


def read_content(path: str) -> bytes:
    """Return the content of a file, or only the beginning of a file that is too big. Raises OSError."""
    with Path(path).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def is_changed(path: str, previous: FileState) -> bool:
    """Return whether the file changed. Raises OSError."""
    return read_file(path, previous).digest != previous.digest


def parse_file(path: str, content: bytes, *, by_item: bool = False) -> ProblemReport:
    """Parse a file, and return a report with its nodes, or with the reasons why it has no nodes.

    If ``by_item`` is true, report and omit the items of the file's list that are not valid YAML, and parse the others.
    """
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024**2} MB"
        return _unreadable(path, "", "too-big", message, "split it: one file per team")
    if not content.strip():
        advice = FILE_ADVICE.get(Path(path).name, RULE_ADVICE)
        return _unreadable(path, "", "empty-file", "the file is empty", advice)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        shown = content.decode("utf-16", "replace")
        return _unreadable(path, shown, "not-utf-8", "the file is saved as UTF-16", "save it as plain text, UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = content.decode("utf-8-sig", "replace")
        at = len(content[: error.start].decode("utf-8-sig", "replace"))
        advice = "save the file as plain text, UTF-8"
        return _unreadable(path, text, "not-utf-8", "a byte that is not UTF-8 text", advice, at)
    document, mistakes = nodes.parse_items(text, most_cut=20 if by_item else 0)
    report = ProblemReport(path, document or YamlDocument(text, None))
    for mistake in mistakes:
        report.add_flaw(mistake.flaw)
    return report


def _unreadable(path: str, text: str, code: str, message: str, advice: str, at: int = 0) -> ProblemReport:
    report = ProblemReport(path, YamlDocument(text, None))
    report.add((at, at + 1), code, message, advice)
    return report


def missing_file_problem(path: str, error: OSError, help_text: str) -> Problem:
    """Return the problem of a file that cannot be read at all."""
    why = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "it cannot be read")
    return Problem(severity="error", file=path, code="no-file", message=why[:1].lower() + why[1:], help=help_text)


def find_stray_files(folder: Path, known_paths: Sequence[str]) -> list[Problem]:
    """Return a problem for each file that is not read although its name or place resembles a configuration file's."""
    #: The path of a stray file -> what to do with it.
    strays: dict[str, str] = {}
    for name in os.listdir(folder):
        path = str(folder / name)
        stem, ending = os.path.splitext(name)
        meant = keys.find_nearest(stem, ("bot", "feeds", "rules"))
        if ending in _ENDINGS and meant and path not in known_paths:
            place = f"move it into the folder rules/: rules/{name}" if meant == "rules" else ""
            strays[path] = place or f"rename it to {meant}.yaml"
    rules = folder / RULES
    for inner in (*rules.glob("[!.#~]*/*.yaml"), *rules.glob("[!.#~]*/*.yml")):
        strays[str(inner)] = f"move it into the folder rules/: rules/{inner.name}"
    for text_file in rules.glob("[!.#~]*.txt"):
        strays[str(text_file)] = f"rename it to {text_file.stem.removesuffix('.yaml')}.yaml"
    return [
        Problem(severity="warning", file=path, code="stray-file", message="this file is not read", help=advice)
        for path, advice in sorted(strays.items())
    ]
