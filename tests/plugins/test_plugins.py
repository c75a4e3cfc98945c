"""A plug-in that cannot be used is a problem with a place, and nothing else stops working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.testbed import configs, faults
from tests.testbed.commands import call

ROOT = Path(__file__).parents[2]
OPTIONS = "import pydantic\nclass Options(pydantic.BaseModel):\n    '''x'''\n"
BROKEN = {
    "raises": ("raise RuntimeError('no \\x1b[31m licence')", "RuntimeError: no �[31m licence"),
    "imports": ("import nobody_has_this", "ModuleNotFoundError: No module named 'nobody_has_this'"),
    "syntax": ("def", "SyntaxError: invalid syntax"),
    "nameless": ("class Channel: pass", "its KIND is None, not the name of its entry point"),
    "misnamed": ("KIND = 'other'", "its KIND is 'other', not the name of its entry point"),
    "classless": ("KIND = 'classless'", "it has no class Channel"),
    "optionless": (
        "KIND = 'optionless'\nclass Channel: pass\nclass Options: pass",
        "its Options are not a pydantic model",
    ),
    "console": (f"{OPTIONS}KIND = 'console'\nclass Channel: pass", ""),
    "absent": (None, "No module named"),
}


def install(folder: Path, group: str, modules: dict[str, str | None]) -> None:
    """Write a package as pip installs it: its modules, and its entry points."""
    for name, code in modules.items():
        if code is not None:
            (folder / f"plugged_{name}.py").write_text(code + "\n", encoding="utf-8")
    about = folder / "wirewatch_broken-2.1.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: wirewatch-broken\nVersion: 2.1\n", encoding="utf-8")
    lines = [f"{name} = plugged_{name}" for name in modules]
    with (about / "entry_points.txt").open("a", encoding="utf-8") as points:
        points.write("\n".join([f"[{group}]", *lines, ""]))


def test_each_way_to_be_broken_is_an_error_where_the_kind_is_named(tmp_path: Path) -> None:
    install(tmp_path, "wirewatch.channels", {name: code for name, (code, _) in BROKEN.items()})
    install(tmp_path, "wirewatch.sources", {"bulletin": "import nobody_has_this"})
    used = [name for name in BROKEN if name != "console"]
    feeds = "- {url: 'https://example.org/a.txt', kind: bulletin}\n  - {url: 'https://example.org/b', kind: rsss}"
    bot = "channels:\n  alerts: {kind: console}\n" + "".join(f"  c{name}: {{kind: {name}}}\n" for name in used)
    config = configs.write(tmp_path / "config", bot=bot, feeds=f"feeds:\n  {feeds}\n")
    with faults.installed(tmp_path):
        done = call("check", "--json", "--config", str(config), folder=tmp_path, code=1)
    reported = [problem for problem in json.loads(done.stdout) if problem["column"] != 1]
    problems = {(Path(str(problem["file"])).name, problem["line"]): problem for problem in reported}
    for line, name in enumerate(used, 3):
        message = str(problems["bot.yaml", line]["message"])
        assert message.startswith(f'the plug-in "{name}" of wirewatch-broken 2.1 cannot be loaded: ')
        assert BROKEN[name][1] in message
    # Our kind of that name still works.
    assert ("bot.yaml", 2) not in problems
    assert (problems["feeds.yaml", 2]["code"], problems["feeds.yaml", 2]["column"]) == ("plug-in", 46)
    assert problems["feeds.yaml", 3]["help"] == 'did you mean "rss"?'


FAILING = """
KIND = "failing"

class Source:
    def recognises(self, body):
        raise RuntimeError("at the look")

    def read(self, body):
        raise RuntimeError("in the middle")
"""


def test_a_source_that_fails_costs_its_own_feed_one_poll_only(tmp_path: Path) -> None:
    install(tmp_path, "wirewatch.sources", {"failing": FAILING})
    program = (
        "from bot.model.errors import ReadError\nfrom bot.model.fetching import Body\nfrom bot.feeds import kinds\n"
        "body = Body(content=b'<rss version=\"2.0\"><channel><title>T</title></channel></rss>', "
        "content_type='', url='https://example.org/')\n"
        "assert kinds.parse_document(body).title == 'T'\n"
        "for kind in ('failing', 'absent'):\n"
        "    try:\n"
        "        kinds.parse_document(body, kind=kind)\n"
        "    except ReadError as error:\n"
        "        print(error)\n"
    )
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd="/", env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        'the plug-in "failing" of wirewatch-broken 2.1 failed on this document (RuntimeError)',
        'the kind of source "absent" is not installed',
    ]
