"""The process that commands are forked from imports this, so that no command has to import and build it again."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import rich.progress  # noqa: F401
from typer.main import get_command

import bot.app.runtime
import bot.cli.run
import bot.config.feed_list
import bot.queries.backtest
import bot.web  # noqa: F401
from bot import app
from bot.cli.commands import app_of
from tests.testbed import authorities, configs

authorities.trust_one()
get_command(app_of())
with tempfile.TemporaryDirectory() as _folder:
    _feeds = [{"url": "https://example.org/feed", "name": "Example"}]
    app.load(configs.write(Path(_folder), bot="channels: {alerts: {kind: console}}\n", feeds=_feeds), {})
# The collector of a command need not walk all of it.
gc.collect()
gc.freeze()
