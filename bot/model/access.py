"""Access settings of a feed: headers, cookies, a login, a proxy, certificates. Refers to secrets, holds none."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from bot.model.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Basic authentication, or a bearer token where ``user`` is None."""

    user: str | None = None
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Access settings, sent only to the origin of ``home``; the proxy also serves each hop of a redirect."""

    #: The feed's address in feeds.yaml; empty for a group of hosts that is not yet applied to a feed.
    home: str = ""
    headers: tuple[tuple[str, str | Secret], ...] = ()
    cookies: tuple[tuple[str, Secret], ...] = ()
    login: Login | None = None
    proxy: str | Secret | None = None
    #: PEM files: the client's certificate, its key if it is a separate file, the trusted authorities.
    certificate: str | None = None
    key: str | None = None
    authority: str | None = None

    def over(self, group: Access) -> Self:
        """Return this access with its empty fields filled from ``group``."""
        own: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value or getattr(group, name) for name, value in own.items()})
