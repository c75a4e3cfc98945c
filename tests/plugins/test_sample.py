"""A third-party package with a channel and a source, installed into a separate environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed import configs
from tests.testbed.servers.quiet import QuietHandler, serving_with

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "plugin_sample"
BOT = """\
database: sqlite:///{folder}/w.db
channels:
  alerts: {{kind: board, url: env:BOARD_URL}}
fetch: {{allow_private: 127.0.0.0/8}}
"""
FEEDS = """\
feeds:
  - url: {address}/announcements.txt
    name: Regulator
    kind: lines
    separator: ";"
    backfill: 9000 days
"""
RULES = "rules:\n  - {name: Backdoor, all: [backdoor*], notify: alerts}\n"
ANNOUNCEMENTS = b"2015-12-02;BlackBerry told to open a backdoor;/orders/7\n2015-12-01;Office hours;/hours\n"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that sees this program and what it needs, with the sample installed by pip."""
    folder = tmp_path_factory.mktemp("fresh")
    # Install pip as well: the environment that the tests run in has none (scripts/setup).
    venv.create(folder, with_pip=True, symlinks=True)
    interpreter = folder / "bin" / "python"
    (own,) = (folder / "lib").glob("python3*/site-packages")
    (own / "program.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    # Before it: an editable installation may lead to another copy of the program.
    (own / "a_program.pth").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n", encoding="utf-8")
    run(interpreter, "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", str(SAMPLE))
    return interpreter


def run(python: Path, *words: str, folder: Path = Path("/"), code: int = 0, **environ: str) -> str:
    """Run a module. Return what it writes. Not in ROOT and without PYTHONPATH: what is found is what is installed."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-m", *words],
        cwd=folder,
        env={**known, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr
    return done.stdout


@contextmanager
def serving() -> Iterator[tuple[str, list[bytes]]]:
    """Gives the announcements, and takes what is posted."""
    posted: list[bytes] = []

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            is_page = self.path == "/announcements.txt"
            self.answer(200 if is_page else 404, ANNOUNCEMENTS if is_page else b"")

        def do_POST(self) -> None:  # noqa: N802 - the base class's name
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(204)

    with serving_with(Handler) as address:
        yield address, posted


def configure(folder: Path, address: str, *, feeds: str = FEEDS) -> Path:
    return configs.write(folder, bot=BOT.format(folder=folder), feeds=feeds.format(address=address), rules=RULES)


@pytest.mark.long
def test_once_reads_by_the_source_and_posts_to_the_channel(python: Path, tmp_path: Path) -> None:
    with serving() as (address, posted):
        folder = configure(tmp_path / "config", address)
        run(python, "bot", "once", "--now", "--config", str(folder), BOARD_URL=f"{address}/board")
    (text,) = posted
    assert "BlackBerry told to open a backdoor" in text.decode()


@pytest.mark.long
def test_check_says_what_is_wrong_with_the_plug_ins_keys(python: Path, tmp_path: Path) -> None:
    wrong = FEEDS.replace('separator: ";"', "separator: toolong").replace("name: Regulator", "nmae: Regulator")
    folder = configure(tmp_path, "http://127.0.0.1:9", feeds=wrong)
    shown = run(python, "bot", "check", "--json", "--config", str(folder), code=1, BOARD_URL="http://127.0.0.1:9")
    problems = [(problem["line"], problem["column"], problem["message"]) for problem in json.loads(shown)]
    assert [place[:2] for place in problems if place[2].startswith("unknown key")] == [(3, 5)]
    assert [place[:2] for place in problems if "too long" in place[2]] == [(5, 16)]


@pytest.mark.long
def test_the_schema_for_editors_knows_the_plug_ins_keys(python: Path) -> None:
    schema = json.loads(run(python, "bot", "schema"))
    (form,) = [form for form in schema["feeds"]["definitions"]["Feed"]["anyOf"] if "separator" in form["properties"]]
    assert form["properties"]["kind"] == {"const": "lines"}
    assert "board" in json.dumps(schema["bot"])


@pytest.mark.long
def test_the_sample_keeps_the_contracts_by_its_own_tests(python: Path, tmp_path: Path) -> None:
    tests = tmp_path / "test_sample_package.py"
    tests.write_text("\n\n".join(_tests_of("channel") + _tests_of("source")), encoding="utf-8")
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    shown = run(python, "pytest", *options, str(tests), folder=tmp_path)
    assert re.search(r"^15 passed", shown, flags=re.MULTILINE)


def _tests_of(what: str) -> list[str]:
    page = (ROOT / "docs" / f"adding-a-{what}.md").read_text(encoding="utf-8")
    return [
        code for code in re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL) if "CHECKS" in code
    ]


@pytest.mark.parametrize(("what", "file"), [("channel", "board.py"), ("source", "lines.py")])
def test_the_page_shows_the_file_of_the_sample(what: str, file: str) -> None:
    page = (ROOT / "docs" / f"adding-a-{what}.md").read_text(encoding="utf-8")
    assert f"```python\n{(SAMPLE / 'wirewatch_sample' / file).read_text(encoding='utf-8')}```" in page
