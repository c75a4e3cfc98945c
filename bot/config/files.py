"""Files of the folder: found, read, told apart from their last reading."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import model
from bot.config import values
from bot.config.settings import FileState, Stamp
from bot.config.yaml import nodes, problems
from bot.config.yaml.nodes import Document
from bot.config.yaml.problems import ProblemReport

#: A file this small is read and hashed at each look; of a bigger one size, times and inode must have changed.
SMALL_BYTES = 256 * 1024
#: Some 100,000 rules of a few words.
MAX_BYTES = 64 * 1024 * 1024

BOT, FEEDS, RULES = "bot.yaml", "feeds.yaml", "rules"

#: For a file that is empty or missing.
A_RULE = "write rules: and, below, - name: …; to have none on purpose, write rules: []"
WHAT_TO_WRITE = {
    BOT: "write channels: and, below, alerts: {kind: console}",
    FEEDS: "write feeds: and, below, - https://…; to poll none on purpose, write feeds: []",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """One file's content, unread where its stamp shows that nothing changed."""

    path: str
    stamp: Stamp
    digest: str
    #: None: unchanged since the last reading.
    content: bytes | None


def rule_files(folder: Path) -> list[str]:
    """Paths of rules/*.yaml in order; an editor's hidden files are none. Raises OSError."""
    names = sorted(entry.name for entry in os.scandir(folder / RULES))
    return [str(folder / RULES / name) for name in names if name.endswith((".yaml", ".yml")) and name[0] not in ".#~"]


def paths(folder: Path) -> list[str]:
    """Every file that the configuration is made of. Raises OSError."""
    try:
        desks = rule_files(folder)
    except FileNotFoundError:
        desks = []
    return [str(folder / BOT), str(folder / FEEDS), *desks]


def stamp(path: str) -> Stamp:
    """Raises OSError."""
    found = os.stat(path)
    return Stamp(modified_ns=found.st_mtime_ns, changed_ns=found.st_ctime_ns, size=found.st_size, inode=found.st_ino)


def fetch(path: str, previous: FileState | None) -> Bytes:
    """Raises OSError."""
    now = stamp(path)
    if previous is not None and now == previous.stamp and now.size > SMALL_BYTES:
        return Bytes(path=path, stamp=now, digest=previous.digest, content=None)
    content = Path(path).read_bytes() if now.size <= MAX_BYTES else b""
    digest = hashlib.sha256(content if now.size <= MAX_BYTES else repr(now).encode()).hexdigest()
    if previous is not None and digest == previous.digest:
        return Bytes(path=path, stamp=now, digest=digest, content=None)
    return Bytes(path=path, stamp=now, digest=digest, content=content)


def is_changed(path: str, previous: FileState) -> bool:
    """Raises OSError."""
    return fetch(path, previous).digest != previous.digest


def parse(found: Bytes, *, by_item: bool = False) -> ProblemReport:
    """Return the file's nodes in a report that holds no problem yet, or one that says why there are none.

    ``by_item``: an item of the file's list that is not YAML is reported and left out, so that the others are read.
    """
    content = found.content or b""
    if found.stamp.size > MAX_BYTES:
        report = ProblemReport(found.path, Document("", None))
        report.add(
            "too-big", f"the file is larger than {MAX_BYTES // 1024**2} MB", "split it: one file per team", start=0
        )
        return report
    if not content.strip():
        report = ProblemReport(found.path, Document("", None))
        report.add("empty-file", "the file is empty", WHAT_TO_WRITE.get(Path(found.path).name, A_RULE), start=0)
        return report
    text = content.decode("utf-8-sig", "replace")
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            report = ProblemReport(found.path, Document(content.decode("utf-16", "replace"), None))
            report.add("not-utf-8", "the file is saved as UTF-16", "save it as plain text, UTF-8", start=0)
            return report
        report = ProblemReport(found.path, Document(text, None))
        at = len(content[: error.start].decode("utf-8-sig", "replace"))
        report.add("not-utf-8", "a byte that is not UTF-8 text", "save the file as plain text, UTF-8", start=at)
        return report
    document, mistakes = nodes.parse_items(text, most_cut=20 if by_item else 0)
    report = ProblemReport(found.path, document or Document(text, None))
    for mistake in mistakes:
        end = mistake.start + mistake.length
        report.add(mistake.code, mistake.message, mistake.help, start=mistake.start, end=end)
    return report


def missing(path: str, error: OSError, help_text: str) -> model.Problem:
    """A file that cannot be read at all."""
    why = "there is no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "it cannot be read")
    return model.Problem(severity="error", file=path, code="no-file", message=why[:1].lower() + why[1:], help=help_text)


def stray_files(folder: Path, known: Sequence[str]) -> list[model.Problem]:
    """YAML files that look like ours and that nobody reads: a misspelt name, or rules in the wrong place."""
    return [
        model.Problem(
            severity="warning",
            file=str(folder / name),
            code="stray-file",
            message="this file is not read",
            help="what is read: bot.yaml, feeds.yaml and rules/*.yaml",
        )
        for name in sorted(entry.name for entry in os.scandir(folder))
        if name.endswith((".yaml", ".yml")) and str(folder / name) not in known and _looks_like_ours(Path(name).stem)
    ]


def _looks_like_ours(stem: str) -> bool:
    ours = ("bot", "feeds", "rules")
    return stem in ours or values.near(stem, ours) is not None


def line_of(path: str, number: int) -> str | None:
    """One line of a file that was read before; None: it is no longer there."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None
    return problems.mask(Document(text, None).line(number))
