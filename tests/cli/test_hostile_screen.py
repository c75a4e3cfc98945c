"""Untrusted text in a command's output cannot steer a terminal, hide, or begin a line."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli import logs
from tests.testbed import configs
from tests.testbed.commands import call
from tests.testbed.fakes import START
from tests.testbed.servers.quiet import QuietHandler, serving_with

#: Window title, colours, C1, DEL, direction, tags, separators, invisible characters, half a pair.
EVIL = (
    "\x1b]0;pwned\x07\x1b[5;7m\x9b31m\x7f\x08\u202eevil\u202c\u2066\u200e\u200f\u061c\u2028\u2029\x85\u200b\u00ad"
    "\U000e0041\U000e007f\ufeff\r\x0b\nFORGED LINE"
)
TITLE = f"BlackBerry {EVIL} quits Pakistan after PTA sought backdoor"
#: The escape sequences of our own styles and of the progress bar.
OURS = re.compile(r"\x1b\[(?:(?:\d{1,3}(?:;\d{1,3})*)?m|2K|1A|\?25[lh])|\r")
NEVER = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)

#: Each command that shows texts of strangers -> its arguments in each run; ORIGIN and OPML are replaced.
#: One serialisation writes the JSON of all commands, so that a few show it.
RUNS: dict[str, list[str]] = {
    "once": ["--now --drain 1s --verbose", "--now --drain 1s --json"],
    "check": [""],
    "explain": ["Evil", "Evil --text PTA", "--url https://evil.example/1"],
    "stories": ["", "--json"],
    "status": ["", "--json", "--check", "--ready"],
    "silence list": [""],
    "send-test": ["alerts"],
    "feedback": [""],
    "audit": [""],
    "brief": [""],
    "search": ["BlackBerry"],
    "try": ["Evil --since 9000d"],
    "feeds test": ["ORIGIN/feed.json", "ORIGIN/feed.json --json", "ORIGIN/broken.json", "ORIGIN/page.html"],
    "feeds find": ["ORIGIN/feed.json", "ORIGIN/page.html"],
    "feeds add": ["ORIGIN/other.json", "ORIGIN/broken.json"],
    "feeds import": ["OPML"],
    "feeds export": [""],
    "quarantine list": [""],
}


# -- a hostile archive


class Evil(QuietHandler):
    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        item = {"id": "1", "url": "https://evil.example/1", "title": TITLE, "content_text": f"{TITLE}. {EVIL}"}
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": f"Evil {EVIL} Times", "items": [item]}
        body = json.dumps(feed)
        if "broken" in self.path:
            # Quoted by the error that says what it is instead of a feed.
            body = json.dumps({f"a{EVIL}": 1}) if "keys" in self.path else EVIL + "{" + EVIL
        if "page" in self.path:
            body = f"<html><title>{EVIL}</title><link rel=alternate type=application/rss+xml href='/x{EVIL}'></html>"
        self.answer(200, body.encode(), "text/html" if "page" in self.path else "application/json")


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with serving_with(Evil) as address:
        yield address


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, origin: str) -> Path:
    """An archive that a hostile feed filled, with all that older versions may have let in written over it."""
    place = tmp_path_factory.mktemp("hostile")
    folder = place / "config"
    bot = f"database: sqlite:///{folder}/evil.db\nchannels: {{alerts: {{kind: console}}}}\noperator: alerts\n"
    bot += "fetch: {readers: 0, allow_private: [127.0.0.0/8]}\n"
    addresses = [f"{origin}/{name}.json" for name in ("feed", "broken", "broken-keys")]
    feeds = f'feeds:\n  - {{url: "{addresses[0]}", name: {_quoted("Evil " + EVIL)}}}\n'
    feeds += "".join(f"  - {address}\n" for address in addresses[1:])
    rules = (
        f'rules:\n  - name: "Evil rule"\n    all: {{who: [PTA], what: [backdoor]}}\n    notify: alerts\n'
        f"    note: {_quoted(EVIL)}\n    must_match: [{_quoted(TITLE)}]\n    must_not_match: []\n"
        "  - {name: Wrong rule, nome: x}\n"
    )
    configs.write(folder, bot=bot, feeds=feeds, rules=rules)
    outline = f"<opml><body><outline text='{EVIL}' xmlUrl='ftp://{EVIL}'/><outline text='x{EVIL}' type='rss'/>"
    (place / "list.opml").write_text(outline)
    return folder


def _quoted(text: str) -> str:
    """Return the text as YAML needs it, which has no escapes of pairs."""
    return json.dumps("".join(char for char in text if char < "\U00010000"))


def _poison(config: Path) -> None:
    """Store the text as if nothing had been cleaned."""
    whole = json.dumps(EVIL)[1:-1]
    with closing(sqlite3.connect(config / "evil.db")) as archive:
        archive.execute("UPDATE articles SET title = title || ?, text = text || ?, outlet = outlet || ?", [EVIL] * 3)
        archive.execute("UPDATE stories SET title = title || ?", [EVIL])
        archive.execute("UPDATE feeds SET state = json_set(state, '$.title', ?, '$.error', ?)", [EVIL] * 2)
        archive.execute("UPDATE outbox SET state = 'parked', parked_from = 'pending', error = ?", [EVIL])
        archive.execute("UPDATE decisions SET decision = replace(decision, 'alerts', 'alerts' || ?)", [whole])
        archive.execute(
            "INSERT OR IGNORE INTO silences (id, at, by, kind, name, reason, until, ended_by)"
            " VALUES ('0a1b2c3d', 0, ?, 'outlet', ?, ?, ?, '')",
            [EVIL, EVIL, EVIL, 2**52],
        )
        archive.execute(
            "INSERT OR IGNORE INTO quarantine"
            " (kind, id, stage, error, version, at, body, is_retry_requested, is_reported)"
            " VALUES ('row', ?, 'read', ?, 'x', 0, '{}', 0, 1)",
            [EVIL] * 2,
        )
        archive.commit()


@pytest.mark.parametrize(
    "is_terminal", [True, pytest.param(False, marks=pytest.mark.long)], ids=["to a terminal", "to a file"]
)
def test_no_command_prints_what_steers_a_terminal(config: Path, origin: str, *, is_terminal: bool) -> None:
    environ = {"FORCE_COLOR": "1"} if is_terminal else {}
    outputs = {}
    for command, option_sets in RUNS.items():
        for options in option_sets:
            line = f"{command} {options}".replace("ORIGIN", origin).replace("OPML", str(config.parent / "list.opml"))
            done = call(*line.split(), "--config", str(config), folder=config, code=None, **environ)
            outputs[f"{command} {options}"] = done.stdout, done.stderr
            if command == "once" and (config / "evil.db").exists():
                _poison(config)
    assert ("\x1b[" in "".join(out for out, _ in outputs.values())) == is_terminal
    for line, (out, err) in outputs.items():
        for text in (out, err):
            shown = OURS.sub("", text) if is_terminal else text
            assert not NEVER.findall(shown), f"wirewatch {line}: {shown!r}"
            assert "\x1b[5;7m" not in text
            assert not re.search(r"^FORGED", shown, re.MULTILINE), f"wirewatch {line}: {shown}"
        if "--json" in line and out and not line.startswith("once"):
            json.loads(out)
    assert "BlackBerry" in outputs["stories "][0]
    assert "BlackBerry" in outputs["stories --json"][0]
    assert "pwned" in outputs["quarantine list "][0]
    assert "not a feed" in outputs["feeds test ORIGIN/broken.json"][1]
    assert "broken" in outputs["once --now --drain 1s --verbose"][1]


def test_a_log_line_is_one_line_and_a_traceback_is_text(capfd: pytest.CaptureFixture[str]) -> None:
    event = {"event": "feed polled", "error": f"x\n{EVIL}", "feeds": [EVIL], "exception": f"a\n{EVIL}", "count": 3}
    done = logs.clean(None, "info", event)
    assert done["count"] == 3
    times = logs.clean(None, "info", {"until": START, "each": [START]})
    assert times == {"until": "2015-12-02T09:00:00+00:00", "each": ["2015-12-02T09:00:00+00:00"]}
    assert not NEVER.findall(str(done["error"]) + str(done["feeds"][0]))
    assert "\n" not in done["error"]
    assert str(done["exception"]).startswith("a\n")
    logs._crashed(ValueError, ValueError(EVIL), None)
    stderr = capfd.readouterr().err
    assert "ValueError" in stderr
    assert not NEVER.findall(stderr)
