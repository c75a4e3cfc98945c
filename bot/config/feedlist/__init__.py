"""Lists of feeds as files: OPML in and out, and feeds.yaml edited without touching what people wrote.

Works on text only: no disk, no network, no settings.
"""

from bot.config.feedlist.edit import Addition, add, add_all
from bot.config.feedlist.opml import OpmlReading, read_opml, write_opml

__all__ = ["Addition", "OpmlReading", "add", "add_all", "read_opml", "write_opml"]
