"""The mistakes of tests/config/mistakes: a good folder, one thing wrong in it, and the exact text that check gives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot import app, config
from bot.model.settings import Problem

FOLDER = Path(__file__).parent / "mistakes"
GOOD = Path(__file__).parent / "good"
#: What the good folder's Slack channel needs.
ENVIRON = {"SLACK_BOT_TOKEN": "xoxb-not-a-real-token"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    name: str
    #: What the person did.
    about: str
    #: The files that are wrong, by path in the folder.
    files: tuple[str, ...]
    expected: str

    @property
    def folder(self) -> Path:
        return FOLDER / self.name


def all_mistakes() -> list[Mistake]:
    return [_read(folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir()]


def _read(folder: Path) -> Mistake:
    expected = folder / "expected.txt"
    files = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    return Mistake(
        name=folder.name,
        about=(folder / "about.txt").read_text(encoding="utf-8").strip(),
        files=tuple(name for name in files if name not in ("about.txt", "expected.txt")),
        expected=expected.read_text(encoding="utf-8") if expected.exists() else "",
    )


def make(mistake: Mistake, target: Path) -> None:
    """The good folder with the mistake in it."""
    shutil.copytree(GOOD, target)
    for name in mistake.files:
        if name.endswith(".absent"):
            (target / name.removesuffix(".absent")).unlink()
        else:
            shutil.copyfile(mistake.folder / name, target / name)


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Paths in messages are as given on the command line: "config/bot.yaml"."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def problems_of(mistake: Mistake, scratch: Path) -> tuple[Problem, ...]:
    make(mistake, scratch / "config")
    with inside(scratch):
        return config.try_load(Path("config"), environ=ENVIRON, kinds=app.kinds())[0]
