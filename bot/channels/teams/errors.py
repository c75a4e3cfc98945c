"""What a workflow's webhook answers and what is done about it (docs/channels.md has the same table for people).

The codes are those of Azure Logic Apps, on which workflows run: ``{"error": {"code": …, "message": …}}``. Microsoft has
no list of them, and none of these was seen from the real service: an unknown code is handled by its status.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels.kit.acts import Act

_AGAIN = "open the workflow in the Workflows app of Teams and copy its whole address again"
_ANYONE = "in the workflow's first step choose Anyone under Who can trigger the flow, then copy its address again"
_TEMPLATE = "create the workflow from the template Send webhook alerts to a channel"

#: Code -> the reaction, and advice to the operator (docs/channels.md has the same table). Workflows run on Azure Logic
#: Apps and use its codes. Microsoft has no list of them, and we have not seen them from the real service; an unknown
#: code is handled by its HTTP status.
TABLE: Mapping[str, tuple[Act, str]] = {
    "TooManyRequests": (Act.WAIT, ""),
    "WorkflowTriggerIsNotEnabled": (
        Act.PARK_CHANNEL,
        "turn the workflow on: Workflows app of Teams, the workflow, Turn on",
    ),
    "WorkflowNotFound": (Act.PARK_CHANNEL, f"the workflow was deleted or its address has changed: {_AGAIN}"),
    "DirectApiAuthorizationRequired": (Act.PARK_CHANNEL, _ANYONE),
    "DirectApiInvalidAuthorizationScheme": (Act.PARK_CHANNEL, _ANYONE),
    "MisMatchingOAuthClaims": (Act.PARK_CHANNEL, _ANYONE),
    "AuthorizationFailed": (Act.PARK_CHANNEL, f"the address is cut, mistyped or withdrawn: {_AGAIN}"),
    "InvalidSasToken": (Act.PARK_CHANNEL, f"the address is cut, mistyped or withdrawn: {_AGAIN}"),
    "TriggerInputSchemaMismatch": (Act.PARK_CHANNEL, f"the workflow expects another document: {_TEMPLATE}"),
    "RequestEntityTooLarge": (Act.SIMPLIFY, ""),
    "InvalidRequestContent": (Act.SIMPLIFY, ""),
}
#: Hosts of the connectors that Microsoft turned off.
RETIRED = ("webhook.office.com", "outlook.office.com", "outlook.office365.com")
RETIRED_ADVICE = f"the connectors of this address are turned off: {_TEMPLATE}"
EXPIRED_ADVICE = f"the workflow does not accept this address: {_AGAIN}"
