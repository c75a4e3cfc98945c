"""Slack's error words and what is done about each (docs/channels.md has the same table for people).

Codes from slackapi's method reference (chat.postMessage, chat.update, conversations.*) and from what servers were seen
to answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot import ports
from bot.channels.kit import acts
from bot.channels.kit.acts import Act

#: Slack's error code -> the reaction, and advice to the operator (docs/channels.md has the same table). Codes from
#: Slack's method reference (chat.postMessage, chat.update, conversations.*) and from observed answers.
TABLE: Mapping[str, tuple[Act, str]] = {
    "ratelimited": (Act.WAIT, ""),
    "rate_limited": (Act.WAIT, ""),
    "service_unavailable": (Act.WAIT, ""),
    "team_added_to_org": (Act.WAIT, "the workspace is being moved to an organisation"),
    "org_login_required": (Act.WAIT, "the workspace is being moved to an organisation"),
    "external_channel_migrating": (Act.WAIT, "the channel is being moved"),
    "fatal_error": (Act.LOOK, ""),
    "internal_error": (Act.LOOK, ""),
    "request_timeout": (Act.LOOK, ""),
    "update_failed": (Act.LOOK, ""),
    "invalid_blocks": (Act.SIMPLIFY, ""),
    "invalid_blocks_format": (Act.SIMPLIFY, ""),
    "msg_blocks_too_long": (Act.SIMPLIFY, ""),
    "msg_too_long": (Act.SIMPLIFY, ""),
    "no_text": (Act.SIMPLIFY, ""),
    "markdown_text_conflict": (Act.SIMPLIFY, ""),
    "attachment_payload_limit_exceeded": (Act.SIMPLIFY, ""),
    "too_many_attachments": (Act.SIMPLIFY, ""),
    "block_mismatch": (Act.SIMPLIFY, ""),
    "metadata_too_large": (Act.SIMPLIFY, ""),
    "metadata_must_be_sent_from_app": (Act.SIMPLIFY, ""),
    "invalid_metadata_format": (Act.SIMPLIFY, ""),
    "invalid_metadata_schema": (Act.SIMPLIFY, ""),
    "invalid_arguments": (Act.SIMPLIFY, ""),
    "invalid_arg_name": (Act.SIMPLIFY, ""),
    "invalid_array_arg": (Act.SIMPLIFY, ""),
    "invalid_payload": (Act.SIMPLIFY, ""),
    "cannot_reply_to_message": (Act.TOP_LEVEL, ""),
    "thread_not_found": (Act.TOP_LEVEL, ""),
    "restricted_action_thread_locked": (Act.TOP_LEVEL, ""),
    "restricted_action_non_threadable_channel": (Act.TOP_LEVEL, ""),
    "message_not_found": (Act.LEAVE, ""),
    "edit_window_closed": (Act.LEAVE, ""),
    "cant_update_message": (Act.LEAVE, ""),
    "channel_not_found": (
        Act.PARK_CHANNEL,
        "check `to:` in bot.yaml; a private channel is seen only after the app was invited: /invite the app there",
    ),
    "not_in_channel": (Act.PARK_CHANNEL, "invite the app: type /invite and its name in the channel"),
    "is_archived": (Act.PARK_CHANNEL, "unarchive the channel, or name another in bot.yaml"),
    "restricted_action": (Act.PARK_CHANNEL, "a workspace setting stops apps from posting there: ask an admin"),
    "restricted_action_read_only_channel": (Act.PARK_CHANNEL, "the channel is read-only: ask its admin"),
    "restricted_action_thread_only_channel": (Act.PARK_CHANNEL, "the channel takes only replies: ask its admin"),
    "ekm_access_denied": (Act.PARK_CHANNEL, "the organisation's key policy stops posting there: ask an admin"),
    "messages_tab_disabled": (Act.PARK_CHANNEL, "turn on the app's Messages tab under App Home"),
    "method_not_supported_for_channel_type": (Act.PARK_CHANNEL, "name a channel, not a conversation, in `to:`"),
    "channel_is_archived": (Act.PARK_CHANNEL, "unarchive the channel, or make a webhook for another"),
    "action_prohibited": (Act.PARK_CHANNEL, "a workspace setting stops webhooks there: ask an admin"),
    "posting_to_general_channel_denied": (Act.PARK_CHANNEL, "only some members may post there: ask an admin"),
    "user_not_found": (Act.PARK_CHANNEL, "the webhook's receiver is gone: make a new webhook"),
    "no_service": (Act.PARK_CHANNEL, "the webhook was removed or turned off: make a new one"),
    "no_service_id": (Act.PARK_CHANNEL, "the webhook's address is cut or mistyped"),
    "no_active_hooks": (Act.PARK_CHANNEL, "the webhook was turned off: make a new one"),
    "no_team": (Act.PARK_CHANNEL, "the webhook's address is cut or mistyped"),
    "team_disabled": (Act.PARK_CHANNEL, "the workspace is closed"),
    "invalid_token": (Act.PARK_CHANNEL, "the webhook's address is cut, mistyped or withdrawn"),
    "not_authed": (Act.PARK_WORKSPACE, "the request carried no token"),
    "invalid_auth": (
        Act.PARK_WORKSPACE,
        "copy the Bot User OAuth Token (xoxb-…) from the app's page, OAuth & Permissions, into what `token:` names",
    ),
    "account_inactive": (Act.PARK_WORKSPACE, "the app was removed from the workspace: install it again"),
    "token_revoked": (Act.PARK_WORKSPACE, "install the app again and copy its new token into what `token:` names"),
    "token_expired": (
        Act.PARK_WORKSPACE,
        "turn token rotation off for the app, or copy a new token into what `token:` names",
    ),
    "not_allowed_token_type": (Act.PARK_WORKSPACE, "use the Bot User OAuth Token (xoxb-…)"),
    "missing_scope": (Act.PARK_WORKSPACE, "add the scope under OAuth & Permissions and install the app again"),
    "no_permission": (Act.PARK_WORKSPACE, "the workspace's settings refuse the app: ask an admin"),
    "access_denied": (Act.PARK_WORKSPACE, "the workspace's settings refuse the app: ask an admin"),
    "team_access_not_granted": (Act.PARK_WORKSPACE, "grant the app access to this workspace"),
    "enterprise_is_restricted": (Act.PARK_WORKSPACE, "the organisation refuses the method: ask an admin"),
    "two_factor_setup_required": (Act.PARK_WORKSPACE, "set up two-factor authentication in the workspace"),
    "message_limit_exceeded": (Act.PARK_WORKSPACE, "the workspace's plan takes no more messages"),
    "deprecated_endpoint": (Act.PARK_WORKSPACE, "update Wirewatch"),
    "method_deprecated": (Act.PARK_WORKSPACE, "update Wirewatch"),
}

#: Codes for refused metadata, not for a refused text.
METADATA_CODES = frozenset(code for code in TABLE if "metadata" in code)


def error_of(code: str, *, doing: str, needed: str = "") -> ports.SendError:
    """Return the error for a code of Slack; ``needed`` is the missing scope."""
    act, advice = TABLE.get(
        code, (Act.PARK_CHANNEL, "this version does not know this error code; see docs.slack.dev for its meaning")
    )
    scope = f" {needed}" if needed else ""
    return acts.error_of(act, f"{doing}: Slack says {code}{scope}", advice=advice)
