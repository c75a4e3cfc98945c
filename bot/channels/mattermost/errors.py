"""Mattermost's error ids and what is done about each (docs/channels.md has the same table for people).

Ids of mattermost/mattermost: server/channels/api4/post.go, app/post.go, app/channel.go, web/context.go and
server/public/model/post.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot import ports
from bot.channels.kit import acts, http_errors, phrases
from bot.channels.kit.acts import Act
from bot.channels.kit.http_client import HttpResponse

_PUT_IT_THERE = "copy the bot's access token into what `token:` names: Integrations, Bot Accounts, Create New Token"
_INVITE = "add the bot to the team, and in the channel type /invite and its name"
_NAME_IT = (
    "check `team:` and `to:` in bot.yaml: both are written as in the channel's address; add the bot to a private "
    "channel first"
)

#: Error id -> the reaction, and advice to the operator (docs/channels.md has the same table). Ids from
#: mattermost/mattermost: server/channels/api4/post.go, app/post.go, app/channel.go, web/context.go and
#: server/public/model/post.go.
TABLE: Mapping[str, tuple[Act, str]] = {
    "api.post.deduplicate_create_post.pending": (Act.LOOK, ""),
    "model.post.is_valid.message_length.app_error": (Act.SIMPLIFY, "set max_length to what the server takes"),
    "model.post.is_valid.msg.app_error": (Act.SIMPLIFY, "set max_length to what the server takes"),
    "model.post.is_valid.props.app_error": (Act.SIMPLIFY, ""),
    "api.context.invalid_body_param.app_error": (Act.SIMPLIFY, ""),
    "api.context.invalid_param.app_error": (Act.SIMPLIFY, ""),
    "api.post.create_post.root_id.app_error": (Act.TOP_LEVEL, ""),
    "api.post.create_post.channel_root_id.app_error": (Act.TOP_LEVEL, ""),
    "api.post.update_post.permissions_time_limit.app_error": (Act.LEAVE, ""),
    "api.post.update_post.find.app_error": (Act.LEAVE, ""),
    "api.post.update_post.permissions_details.app_error": (Act.LEAVE, ""),
    "api.context.permissions.app_error": (Act.PARK_CHANNEL, _INVITE),
    "api.post.create_post.can_not_post_to_deleted.error": (
        Act.PARK_CHANNEL,
        "the channel is archived: unarchive it, or name another in bot.yaml",
    ),
    "api.post.create_post.town_square_read_only": (Act.PARK_CHANNEL, "the channel is read-only: ask its admin"),
    "app.channel.get_by_name.missing.app_error": (Act.PARK_CHANNEL, _NAME_IT),
    "app.channel.get.existing.app_error": (Act.PARK_CHANNEL, _NAME_IT),
    "app.team.get_by_name.missing.app_error": (Act.PARK_CHANNEL, _NAME_IT),
    "app.team.get_by_name.app_error": (Act.PARK_CHANNEL, _NAME_IT),
    "api.context.session_expired.app_error": (Act.PARK_WORKSPACE, _PUT_IT_THERE),
    "api.context.token_provided.app_error": (Act.PARK_WORKSPACE, _PUT_IT_THERE),
    "api.context.invalid_token.error": (Act.PARK_WORKSPACE, _PUT_IT_THERE),
}


def error_of(response: HttpResponse, *, doing: str, now: datetime, is_edit: bool = False) -> ports.SendError:
    """Return the error for a response that is not a success; ``doing`` describes the request."""
    error_id = response.fields.get("id")
    name = error_id if isinstance(error_id, str) and error_id.isascii() else ""
    act, advice = TABLE.get(name, (None, ""))
    if act is None or response.status == 429 or (response.status >= 500 and act is not Act.TOP_LEVEL):
        return http_errors.of_status(
            response.status, who="Mattermost", headers=response.headers, now=now, word=phrases.cut(name, 80)
        )
    if is_edit and name == "api.context.permissions.app_error":
        # The server answers so for a deleted post too (api4/post.go, postPatchChecks).
        act, advice = Act.LEAVE, ""
    return acts.error_of(act, f"{doing}: Mattermost says {name}", advice=advice)
