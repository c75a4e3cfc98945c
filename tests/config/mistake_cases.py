"""Cases of configuration mistakes: a good folder with one thing wrong, and the exact text that `check` prints.

Each file of tests/config/mistakes has the cases of one family. `scripts/accept-mistakes` rewrites their answers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot import app, config
from bot.model.settings import Problem

FAMILIES = Path(__file__).parent / "mistakes"
GOOD = Path(__file__).parent / "good"
#: The variables that the good folder's Slack channel needs.
ENVIRON = {"SLACK_BOT_TOKEN": "xoxb-not-a-real-token"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    name: str
    #: The text of each changed file by its path in the folder, or None if the file is missing.
    files: Mapping[str, str | None]
    encoding: str
    #: Corrections that the help describes in words: what is wrong in the text, and what is right.
    remedies: Sequence[Mapping[str, str]]
    answer: str


def read(family: Path) -> list[dict[str, Any]]:
    """Return the cases of one family as they are written."""
    cases: list[dict[str, Any]] = yaml.load(family.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return cases


def all_mistakes() -> list[Mistake]:
    return [parse(case) for family in sorted(FAMILIES.glob("*.yaml")) for case in read(family)]


def parse(case: Mapping[str, Any]) -> Mistake:
    return Mistake(
        name=case["case"],
        files=case["files"] if "files" in case else {case["file"]: case["text"]},
        encoding=case.get("encoding", "utf-8"),
        remedies=case.get("remedies", ()),
        answer=case.get("answer", ""),
    )


def make(mistake: Mistake, target: Path) -> None:
    """Write the good folder with the mistake in it."""
    shutil.copytree(GOOD, target)
    for name, text in mistake.files.items():
        if text is None:
            (target / name).unlink()
        else:
            (target / name).parent.mkdir(exist_ok=True)
            (target / name).write_bytes(text.encode(mistake.encoding))


def check(scratch: Path) -> tuple[Problem, ...]:
    """Return the problems of the folder ``config`` in ``scratch``."""
    # Paths in messages are as given on the command line: "config/bot.yaml".
    with chdir(scratch):
        return config.try_load(Path("config"), environ=ENVIRON, kinds=app.kinds().built_in)[0]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        analysis.allow_block |= "\n" in scalar and scalar.replace("\n", "").replace("\t", "").isprintable()
        return analysis


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def write(family: Path, cases: Sequence[Mapping[str, Any]]) -> None:
    """Write the cases of one family."""
    written = [yaml.dump([case], Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000) for case in cases]
    family.write_text("\n".join(written), encoding="utf-8")
    assert read(family) == list(cases)
