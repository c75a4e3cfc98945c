"""The seam through which the suites inject faults, on SQLite and on PostgreSQL.

A word in a headline says at which stage the article breaks. Items break in the source plug-in (source.py), messages in
the channel plug-in (channel.py), and stored rows are spoiled by triggers of the database (spoiling.py). The bot itself
runs unchanged, except that the source plug-in gives the parser of RSS a bug.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot import channels, plugins
from bot.feeds import kinds

#: The name of both plug-ins.
KIND = "faulty"
#: Headlines with these words break while they are cleaned, matched, decided, read from the outbox, sent, or parsed.
ENTRY, ITEM, ARTICLE, ROW, MESSAGE, UNPARSED = POISONS = ("Boggart", "Jinx", "Gremlin", "Kobold", "Hoodoo", "Bogle")
_POINTS = f"""\
[wirewatch.channels]
{KIND} = tests.testbed.faults.channel
[wirewatch.sources]
{KIND} = tests.testbed.faults.source
"""


def write_package(folder: Path) -> Path:
    """Leave a package with the plug-ins in ``folder``, as pip does. Return the folder, for PYTHONPATH."""
    about = folder / "wirewatch_faults-1.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: wirewatch-faults\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(_POINTS, encoding="utf-8")
    return folder


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Install the plug-ins of a folder in this process and its child processes."""
    sys.path.append(str(folder))
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (before, str(folder))))
    forget_plugins()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
        forget_plugins()


def forget_plugins() -> None:
    """Let the bot look for plug-ins again."""
    for cached in (
        plugins._entry_points,
        channels.kinds,
        kinds.find_kinds,
        kinds.find_recognisers,
        kinds._get_source,
    ):
        cached.cache_clear()
