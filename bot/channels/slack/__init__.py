"""``kind: slack``: a Slack channel, by bot token or by incoming webhook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.channels.kit.context import ChannelContext
from bot.channels.slack.channel import KIND, Channel, Options, SlackWebhook
from bot.model import channels as model_channels

__all__ = ["KIND", "Options", "build", "listeners"]


def build(name: str, options: Options, context: ChannelContext) -> Channel | SlackWebhook:
    """Build the channel in the mode that its options select."""
    return (SlackWebhook if options.webhook else Channel)(name, options, context)


def listeners(channels: Iterable[Channel]) -> Sequence[model_channels.Listener]:
    """Return a listener for each app whose channels have buttons. Slack sends an app's presses on one connection."""
    by_app: dict[tuple[str, str], list[Channel]] = {}
    for channel in channels:
        if channel.options.app_token:
            by_app.setdefault((channel.options.base_url, channel.options.app_token.reference), []).append(channel)
    if not by_app:
        return []  # Do not import slack_sdk, which would block the event loop for half a second.
    from bot.channels.slack.socket_mode import SocketModeListener

    return [SocketModeListener(app_channels) for app_channels in by_app.values()]
