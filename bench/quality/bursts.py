"""Measure a burst: many nearly equal articles about one event in one feed, read by ``wirewatch once``.

Prints for each size the number of messages, and the processor time of the pass that read the articles.

    python -m bench.quality.bursts [--sizes 600 4000]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from bench.speed.busy import Item, feed, served

CHANNELS = {"desk": {"kind": "console"}}
FETCH = {"allow_private": ["127.0.0.0/8"]}
RULE = {"name": "Backdoors", "all": {"what": ["backdoor"]}, "notify": "desk"}
SYLLABLES = "ba do ver lin mar to ques na rel so vi kan dru pe ost hal".split()


def articles(count: int) -> list[Item]:
    """Return reports of one order, which differ in the outlet that the headline names."""
    now = datetime.now(UTC)
    names = [f"{a}{b}{c}".title() for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES][:count]
    return [
        Item(
            title=f"Regulator orders BlackBerry to open backdoor, {name} reports",
            text=f"The regulator has ordered BlackBerry to open a backdoor to its servers, {name} reports.",
            link=f"https://wire.example/{name.lower()}",
            at=now - timedelta(seconds=count - number),
        )
        for number, name in enumerate(names)
    ]


def burst(count: int) -> tuple[int, float]:
    """Return the messages that a burst makes, and its pass's processor time in seconds."""
    with tempfile.TemporaryDirectory() as name:
        site, folder = Path(name) / "site", Path(name) / "config"
        site.mkdir()
        (folder / "rules").mkdir(parents=True)
        with served(site) as url:
            bot = {"channels": CHANNELS, "database": f"sqlite:///{name}/burst.db", "fetch": FETCH}
            files = {"bot": bot, "feeds": {"feeds": [f"{url}/wire.xml"]}, "rules/desk": {"rules": [RULE]}}
            for file, content in files.items():
                (folder / f"{file}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
            (site / "wire.xml").write_bytes(feed("Wire", []))
            _once(folder)
            (site / "wire.xml").write_bytes(feed("Wire", articles(count)))
            used = _processor()
            sent = _once(folder)
            return sent, _processor() - used


def _once(folder: Path) -> int:
    command = [sys.executable, "-m", "bot", "once", "--now", "--json", "--drain", "10 minutes", "--config", str(folder)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    # The messages come first; the report is the last line that opens a JSON object, and what follows.
    return int(json.loads(done.stdout[done.stdout.rindex("\n{\n") + 1 if "\n{\n" in done.stdout else 0 :])["sent"])


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[600, 4000])
    for size in parser.parse_args().sizes:
        sent, seconds = burst(size)
        print(f"{size} articles: {sent} messages, {seconds:.1f} s of processor")


if __name__ == "__main__":
    main()
