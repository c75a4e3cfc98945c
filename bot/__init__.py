"""Wirewatch watches the news and notifies a team once per story.

An article flows one way:

    feeds.yaml -> fetch -> sources -> articles -> rules -> stories -> alerts
               -> summaries -> outbox -> channels -> the reader's screen
"""

from pathlib import Path

__all__ = ["__version__"]

#: The build and the installation write this file. A checkout that was never installed does not have it.
_FILE = Path(__file__).with_name("VERSION.txt")
__version__ = _FILE.read_text(encoding="utf-8").strip() if _FILE.is_file() else "0+unknown"
